"""Preference data: read, checked, cleaned, and compared with the evaluation prompts."""
