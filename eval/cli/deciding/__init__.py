"""Commands that say how it came out: `report`, `results`, `gate`, `compare`, `release`."""
