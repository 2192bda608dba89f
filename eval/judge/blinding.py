"""Which answer stands left, and in what order pairs come: from a seeded hash, so it never changes and tells nothing."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from typing import Literal, get_args

from eval.records import Outcome, Side

#: What a reviewer can say; they speak of places, never of models.
Choice = Literal["left", "right", "tie", "both_bad"]
CHOICES: tuple[Choice, ...] = get_args(Choice)


def seeded(purpose: str, run: str, reviewer: str, item: str) -> bytes:
    """A hash that is the same on every machine; two purposes give unrelated ones."""
    return hashlib.sha256(json.dumps([purpose, run, reviewer, item]).encode()).digest()


def sides(run: str, reviewer: str, items: Iterable[str]) -> dict[str, Side]:
    """Which model stands left for each item.

    The half of the items with the lower hashes have the base left, so a reviewer sees each model left equally often
    (to within one pair), and no pair tells anything of the next.
    """
    ranked = sorted(items, key=lambda item: seeded("side", run, reviewer, item))
    # Which half is larger when the number is odd must not be the same for everybody.
    low = (len(ranked) + seeded("odd", run, reviewer, "")[0] % 2) // 2
    return {item: "base" if rank < low else "tuned" for rank, item in enumerate(ranked)}


def order(run: str, reviewer: str, items: Iterable[str]) -> list[str]:
    """The items in this reviewer's own order."""
    return sorted(items, key=lambda item: seeded("order", run, reviewer, item))


def outcome(choice: Choice, left: Side) -> Outcome:
    """What a choice between places says of the models."""
    if choice == "tie" or choice == "both_bad":
        return choice
    other: Side = "tuned" if left == "base" else "base"
    return left if choice == "left" else other


def nonce() -> str:
    """A token for one showing of one pair; it says nothing of the pair."""
    return secrets.token_urlsafe(16)
