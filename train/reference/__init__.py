"""transformers' own results for a saved model, in a process of its own."""
