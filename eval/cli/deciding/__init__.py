"""Commands on results: `report`, `results`, `gate`, `compare`, `release`."""
