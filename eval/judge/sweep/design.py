"""Chooses the next pair of a sweep: an incomplete block design, balanced as it grows.

Of each prompt a reviewer sees one pair at most. Within that, the next pair is one that waits for further reviewers;
of the candidate that this reviewer has judged least, then of the one that all have; of the category of which they have
judged least of that candidate; then as in any run (study.assignment).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from eval.judge.study.assignment import MOST_ASKEW, Pool, ReviewerQueue, where_least
from eval.judge.study.blinding import Blinding
from eval.records import Side


class SweepQueue(ReviewerQueue):
    """What one reviewer has judged, by candidate and category too. `sides`: by each run's own key."""

    def __init__(self, pool: SweepPool, blinding: Blinding, reviewer: str, sides: Mapping[str, Side]) -> None:
        self._arms = pool
        super().__init__(pool, blinding, reviewer)
        self.sides = dict(sides)
        self.base_left = np.array([self.sides[item] == "base" for item in pool.items], dtype=bool)

    def forget(self) -> None:
        super().forget()
        self.in_cell = np.zeros((len(self._arms.names), len(self._arms.sizes)))

    def count(self, item: str, by: int) -> None:
        super().count(item, by)
        at = self._arms.index[item]
        self.in_cell[self._arms.arm[at], self._arms.category[at]] += by


class SweepPool(Pool):
    """The pairs of all candidates. `arms`: item -> candidate, `prompts`: item -> the prompt that it is of."""

    def __init__(
        self,
        categories: Mapping[str, str],
        targets: Mapping[str, int],
        arms: Mapping[str, str],
        prompts: Mapping[str, str],
    ) -> None:
        super().__init__(categories, targets)
        self.names = list(dict.fromkeys(arms[item] for item in self.items))
        self.arm = np.array([self.names.index(arms[item]) for item in self.items], dtype=np.int64)
        known = {prompt: code for code, prompt in enumerate(dict.fromkeys(prompts.values()))}
        self.prompt = np.array([known[prompts[item]] for item in self.items], dtype=np.int64)
        self._prompts = len(known)
        self._running = np.ones(len(self.names), dtype=bool)
        #: reviewer -> by prompt: the position of the pair that they saw, -1 for none.
        self._seen: dict[str, NDArray[np.int64]] = {}

    def stop(self, names: Collection[str]) -> None:
        """These candidates are asked no more, but for what is on somebody's page or ready for it."""
        self._running = np.array([name not in names for name in self.names], dtype=bool)

    def see(self, reviewer: str, item: str) -> None:
        """This reviewer saw this pair; of several of one prompt, which must not be, the first counts."""
        seen, at = self._seen_by(reviewer), self.index[item]
        if seen[self.prompt[at]] < 0:
            seen[self.prompt[at]] = at

    def is_seen(self, reviewer: str, item: str) -> bool:
        """Whether this reviewer saw a pair of this item's prompt."""
        return bool(self._seen_by(reviewer)[self.prompt[self.index[item]]] >= 0)

    def open_to_anybody(self) -> int:
        open_ones = (self._have < self._target) & self._running[self.arm]
        return len(np.unique(self.prompt[open_ones]))

    def still_open(self, way: ReviewerQueue) -> int:
        return len(np.unique(self.prompt[self._open(way)]))

    def is_open(self, way: ReviewerQueue, item: str) -> bool:
        return bool(self._open(way)[self.index[item]])

    def _seen_by(self, reviewer: str) -> NDArray[np.int64]:
        return self._seen.setdefault(reviewer, np.full(self._prompts, -1, dtype=np.int64))

    def _open(self, way: ReviewerQueue) -> NDArray[np.bool_]:
        running = self._running[self.arm]
        # A pair of a stopped candidate that their page shows or has ready: they have seen the base's answer to it.
        running[[held[way.reviewer][0] for held in (self._leases, self._ahead) if way.reviewer in held]] = True
        open_items = super()._open(way) & running
        before = self._seen_by(way.reviewer)[self.prompt]
        return np.asarray(open_items & ((before < 0) | (before == np.arange(len(before)))), dtype=np.bool_)

    def _best(self, way: ReviewerQueue, at: NDArray[np.intp], short: NDArray[np.int64]) -> int:
        assert isinstance(way, SweepQueue)
        at = where_least(at, -(self._have[at] > 0).astype(np.int64))
        at = where_least(at, way.in_cell.sum(axis=1)[self.arm[at]])
        held = self._with_others("", self._leases) + self._with_others("", self._ahead)
        given = np.bincount(self.arm, weights=self._have + held, minlength=len(self.names))
        at = where_least(at, given[self.arm[at]])
        if abs(way.askew) >= MOST_ASKEW:
            wanted = at[way.base_left[at] == (way.askew < 0)]
            at = wanted if len(wanted) else at
        at = where_least(at, way.in_cell[self.arm[at], self.category[at]])
        return int(at[np.argmin(way.rank[at])])
