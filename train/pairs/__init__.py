"""Preference data: read, checked, cleaned, and reported apart from what the evaluation asks."""
