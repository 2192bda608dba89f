"""The pictures of the results page, each with a table of its data."""
