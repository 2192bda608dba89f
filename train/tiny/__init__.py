"""The embedded default: a small world, a model of a few million parameters, and the data that teach it. No network."""
