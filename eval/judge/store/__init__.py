"""Verdicts on disk: one writer, hash-chained rows, nothing acknowledged ever lost."""
