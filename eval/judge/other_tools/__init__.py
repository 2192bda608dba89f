"""Verdicts from other annotation tools, and tasks for them."""
