"""What must be right before a training starts, each with its remedy."""
