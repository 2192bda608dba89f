"""Axolotl in its own image, on a GPU."""
