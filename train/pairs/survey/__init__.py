"""`blindside pairs check`: surveys a pair file, row by row, before anything is trained on it."""
