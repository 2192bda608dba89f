"""One judging page over all candidates of a sweep, on which nobody sees two pairs of one prompt."""
