"""Verdicts become the next round's pairs."""
