"""All that people read of a run, each made once from one analysis."""
