"""Parity: does a server serve what was saved? Template, tokens, weights and ends are compared with transformers'."""
