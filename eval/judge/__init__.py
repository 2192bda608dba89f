"""Blind judging: from a run's answers and a study to verdicts.csv."""
