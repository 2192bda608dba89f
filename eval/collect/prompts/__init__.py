"""Reading prompt sets: checked, without duplicates and without training data."""
