"""Commands with which people judge: `judge`, `plan`, `space`, and other annotation tools."""
