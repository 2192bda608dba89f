"""Several candidates of one sweep together: who is dropped before people judge, and how they stand while they do."""
