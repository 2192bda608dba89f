"""What transformers itself makes of a saved model, in a process of its own."""
