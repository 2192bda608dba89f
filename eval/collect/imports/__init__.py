"""Answers that were collected elsewhere, as a run."""
