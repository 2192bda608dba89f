"""Several trainings of one recipe, one after the other."""
