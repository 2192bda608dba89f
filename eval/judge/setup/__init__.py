"""From a collected run to one that is judged: everything that is fixed before the first verdict."""
