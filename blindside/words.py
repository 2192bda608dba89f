"""Words that depend on a figure."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """Like "1 server" and "2,000 servers"; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
