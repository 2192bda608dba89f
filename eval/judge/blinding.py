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
    return _seeds(purpose, run, reviewer, [item])[item]


def sides(run: str, reviewer: str, items: Iterable[str]) -> dict[str, Side]:
    """Which model stands left for each item.

    The half of the items with the lower hashes have the base left, so a reviewer sees each model left equally often
    (to within one pair), and no pair tells anything of the next.
    """
    seeds = _seeds("side", run, reviewer, items)
    ranked = sorted(seeds, key=seeds.__getitem__)
    # Which half is larger when the number is odd must not be the same for everybody.
    low = (len(ranked) + seeded("odd", run, reviewer, "")[0] % 2) // 2
    return {item: "base" if rank < low else "tuned" for rank, item in enumerate(ranked)}


def order(run: str, reviewer: str, items: Iterable[str]) -> list[str]:
    """The items in this reviewer's own order."""
    seeds = _seeds("order", run, reviewer, items)
    return sorted(seeds, key=seeds.__getitem__)


def _seeds(purpose: str, run: str, reviewer: str, items: Iterable[str]) -> dict[str, bytes]:
    """sha256 of the JSON list [purpose, run, reviewer, item] for each item; its beginning is hashed once for all."""
    start = hashlib.sha256(json.dumps([purpose, run, reviewer])[:-1].encode())
    seeds = {}
    for item in items:
        one = start.copy()
        one.update(f", {json.dumps(item)}]".encode())
        seeds[item] = one.digest()
    return seeds


def outcome(choice: Choice, left: Side) -> Outcome:
    """What a choice between places says of the models."""
    if choice == "tie" or choice == "both_bad":
        return choice
    other: Side = "tuned" if left == "base" else "base"
    return left if choice == "left" else other


def nonce() -> str:
    """A token for one showing of one pair; it says nothing of the pair."""
    return secrets.token_urlsafe(16)
