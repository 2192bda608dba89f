"""Verdicts on disk: one writer, rows chained by hashes, nothing acknowledged ever lost."""
