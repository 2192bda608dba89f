"""`blindside pairs check`: a pair file looked at as a whole, row by row, before anything is trained on it."""
