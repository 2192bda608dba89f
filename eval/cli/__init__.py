"""The commands of blindside, in rooms by what they serve."""
