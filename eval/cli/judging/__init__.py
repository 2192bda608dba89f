"""Commands for human judging: `judge`, `plan`, `space`, and other annotation tools."""
