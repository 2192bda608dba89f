"""Prompt sets in: read, checked, without duplicates and training data."""
