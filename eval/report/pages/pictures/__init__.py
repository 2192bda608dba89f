"""What the results page draws: each picture from the figures of a run, with the table of what is drawn behind it."""
