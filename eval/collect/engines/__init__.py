"""Servers: which protocol one speaks, what is sent to it, and what may go wrong on the way."""
