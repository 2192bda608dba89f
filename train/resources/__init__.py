"""What a machine has to train with, and what a recipe needs."""
