"""Access to the pages: which requests are served, and who may log in."""
