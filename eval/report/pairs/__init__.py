"""`blindside pairs browse`: a page over a pair file."""
