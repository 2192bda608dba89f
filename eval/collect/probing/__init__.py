"""Probing servers: what each kind of server reports of the model it serves."""
