"""Commands on models and preference data: `train`, `doctor`, `export`, `pairs`, `harvest`."""
