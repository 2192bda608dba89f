"""Checks of answers that need no judge: `expect` of a prompt."""
