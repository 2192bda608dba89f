"""The reviewers: what each did, how far they agree, and what biased them."""
