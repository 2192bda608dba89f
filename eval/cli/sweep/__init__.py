"""`blindside sweep`, and the `judge` command on a sweep."""
