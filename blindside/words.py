"""Words for numbers: plurals, and confidence levels."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """Like "1 server" and "2,000 servers"; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def confidence_words(share: float) -> str:
    """Like "95%", and "98.75%" where rounding would claim more or less than there is."""
    return f"{100 * share:.4g}%"
