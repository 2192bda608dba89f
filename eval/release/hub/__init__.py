"""Releasing to the Hub: what is uploaded, and whether it arrived."""
