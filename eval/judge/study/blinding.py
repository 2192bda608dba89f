"""Which answer is on the left, and the order of pairs: HMAC-SHA256 with the run's secret key.

So both never change, and nobody can compute them who does not have the run's key (eval.judge.setup.keyfile).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from typing import Literal, get_args

from eval.records import Outcome, Side
from eval.run_info import BlindingRule

#: What a reviewer can say; they speak of places, never of models.
Choice = Literal["left", "right", "tie", "both_bad"]
CHOICES: tuple[Choice, ...] = get_args(Choice)


class Blinding:
    """What is decided by chance in one run. Its methods give the same on every machine that has the key.

    Without a key it is the rule of runs that were judged before there were keys: a hash that anybody can compute.
    """

    def __init__(self, run: str, key: bytes | None) -> None:
        self._run = run
        self._key = key

    @property
    def rule(self) -> BlindingRule:
        return "unkeyed" if self._key is None else "keyed"

    @property
    def fingerprint(self) -> str:
        """Tells this key from another one, and nothing of what it decides; empty without a key."""
        return "" if self._key is None else hmac.new(self._key, b"fingerprint", hashlib.sha256).hexdigest()[:16]

    def seeded(self, purpose: str, reviewer: str, item: str) -> bytes:
        """32 bytes that look random; those of two purposes have nothing to do with each other."""
        return self.seeds(purpose, reviewer, [item])[item]

    def sides(self, reviewer: str, items: Iterable[str]) -> dict[str, Side]:
        """Which model is on the left for each item.

        The half of the items with the lower seeds have the base left, so over all of them a reviewer sees each model
        left equally often (to within one pair).
        """
        seeds = self.seeds("side", reviewer, items)
        ranked = sorted(seeds, key=seeds.__getitem__)
        # Which half is larger when the number is odd must not be the same for everybody.
        low = (len(ranked) + self.seeded("odd", reviewer, "")[0] % 2) // 2
        return {item: "base" if rank < low else "tuned" for rank, item in enumerate(ranked)}

    def order(self, reviewer: str, items: Iterable[str]) -> list[str]:
        """The items in this reviewer's own order."""
        seeds = self.seeds("order", reviewer, items)
        return sorted(seeds, key=seeds.__getitem__)

    def seeds(self, purpose: str, reviewer: str, items: Iterable[str]) -> dict[str, bytes]:
        """As `seeded`, for each item: the hash of the JSON list [purpose, run, reviewer, item], begun only once."""
        start = self._started(json.dumps([purpose, self._run, reviewer])[:-1].encode())
        seeds = {}
        for item in items:
            one = start.copy()
            one.update(f", {json.dumps(item)}]".encode())
            seeds[item] = one.digest()
        return seeds

    def _started(self, data: bytes) -> hmac.HMAC | hashlib._Hash:
        return hashlib.sha256(data) if self._key is None else hmac.new(self._key, data, hashlib.sha256)


def outcome(choice: Choice, left: Side) -> Outcome:
    """What a choice between places says of the models."""
    if choice == "tie" or choice == "both_bad":
        return choice
    other: Side = "tuned" if left == "base" else "base"
    return left if choice == "left" else other


def nonce() -> str:
    """A token for one showing of one pair; it says nothing of the pair."""
    return secrets.token_urlsafe(16)
