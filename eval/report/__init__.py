"""Reports and pages, all made from one analysis."""
