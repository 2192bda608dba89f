"""What a machine has to train with, and how much a recipe needs."""
