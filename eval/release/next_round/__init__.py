"""From verdicts to the training pairs of the next round."""
