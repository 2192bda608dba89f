"""Checks before a training: what must be right, each with its remedy."""
