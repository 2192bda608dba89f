"""The figures of a run as CSV, Markdown and terminal tables."""
