"""Preference data: read, checked, cleaned, and told apart from what the evaluation asks."""
