"""The candidates of one sweep: who is dropped before people judge, and where the others stand."""
