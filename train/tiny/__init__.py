"""The tiny demo: a small world, a model of a few million parameters, and its training data. No network."""
