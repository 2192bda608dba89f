"""Signals beyond people's verdicts: the answers themselves, model judges, held-out preferences."""
