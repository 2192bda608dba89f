"""Judging a sweep: one page over all candidates; nobody sees two pairs of one prompt."""
