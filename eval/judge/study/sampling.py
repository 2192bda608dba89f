"""Which prompts people are asked about, where a model judge answers for the others: drawn by chance that is known.

A prompt's chance is the study's `sample`, the same for all and fixed before judging; whether it is drawn comes from the
run's key, and is written into plan.json, so that the evidence needs no key.
"""

from __future__ import annotations

from collections.abc import Iterable

from eval.judge.study.blinding import Blinding

_WHOLE = 2.0**64


def is_drawn(blinding: Blinding, item: str, sample: float) -> bool:
    """Whether people are asked about an item; true for all where `sample` is 1."""
    return int.from_bytes(blinding.seeded("sample", "", item)[:8], "big") / _WHOLE < sample


def drawing_order(blinding: Blinding, items: Iterable[str]) -> list[str]:
    """The items in the order in which they are drawn, which has nothing to do with what they hold."""
    return sorted(items, key=lambda item: blinding.seeded("drawing", "", item))
