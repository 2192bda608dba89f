"""Win rates and their intervals, with the prompt as the unit."""
