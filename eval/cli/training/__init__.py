"""Commands that make models: `train`, `export`, and the preference data for it, `pairs` and `harvest`."""
