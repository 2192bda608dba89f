"""Other tasks for models: to judge, to correct, and to score how likely a given answer is."""
