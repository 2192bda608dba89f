"""Which pair a reviewer is asked next. Here everybody judges every pair, each in an order of their own."""

from __future__ import annotations

from collections.abc import Container, Sequence


def next_item(order: Sequence[str], judged: Container[str], skipped: Sequence[str]) -> str | None:
    """The first item of `order` that is neither judged nor skipped; then the skipped ones, oldest first; then None."""
    passed = set(skipped)
    for item in order:
        if item not in judged and item not in passed:
            return item
    return next((item for item in skipped if item not in judged), None)
