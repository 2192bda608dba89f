"""Which prompts people are asked about, where a model judge answers for the others: drawn by chance that is known.

A prompt's chance is the study's `sample`, the same for all and fixed before judging; whether it is drawn comes from a
seeded hash, so anybody can draw again and get the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from eval.judge.blinding import seeded

_WHOLE = 2.0**64


def is_drawn(run: str, item: str, sample: float) -> bool:
    """Whether people are asked about an item; true for all where `sample` is 1."""
    return int.from_bytes(seeded("sample", run, "", item)[:8], "big") / _WHOLE < sample


def drawing_order(run: str, items: Iterable[str]) -> list[str]:
    """The items in the order in which they are drawn, which has nothing to do with what they hold."""
    return sorted(items, key=lambda item: seeded("drawing", run, "", item))
