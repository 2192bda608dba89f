"""A run's figures as CSV, Markdown and terminal tables."""
