"""The figures of a training: recorded, read back, drawn, and put into words."""
