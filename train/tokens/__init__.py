"""The token check: what TRL prepared is compared with what is served, before the first step."""
