"""Several trainings of one recipe: what changes in each, one after the other, a row each."""
