"""Chooses the pair that a reviewer is asked next: the one that needs a judgement most.

A pair on somebody's page is leased, so that it goes to nobody else meanwhile. A lease is a courtesy and no lock: it
ends by itself, it is in memory only, and where nothing but leased pairs is left they are given anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.judge.study.blinding import Blinding
from eval.judge.study.study import Overlap

#: How long a pair stays with a reviewer who does nothing, in seconds.
LEASE_SECONDS = 600.0
#: By how many pairs one model may have stood left more often before the other one's turn is called.
MOST_ASKEW = 2


def plan_reviewers(blinding: Blinding, categories: Mapping[str, str], overlap: Overlap) -> dict[str, int]:
    """How many reviewers each item is to have. `categories`: item -> category.

    The share that is judged by several is the same in each category, to within one pair.
    """
    seeds = blinding.seeds("overlap", "", categories)
    ranked = sorted(categories, key=lambda item: (categories[item], seeds[item]))
    # The whole part of i * share grows by one at evenly spread places of a list that is sorted by category.
    several = [int((i + 1) * overlap.share + 1e-9) > int(i * overlap.share + 1e-9) for i in range(len(ranked))]
    by_item = dict(zip(ranked, several, strict=True))
    return {item: overlap.reviewers if by_item[item] else 1 for item in categories}


class ReviewerQueue:
    """What one reviewer has judged, and what decides their next pair. Takes some 80 ms to make at 10,000 items."""

    def __init__(self, pool: Pool, blinding: Blinding, reviewer: str) -> None:
        self.reviewer = reviewer
        self.sides = blinding.sides(reviewer, pool.items)
        self._pool = pool
        self.rank = np.empty(len(pool.items), dtype=np.int64)
        self.rank[[pool.index[item] for item in blinding.order(reviewer, pool.items)]] = np.arange(len(pool.items))
        self.base_left = np.array([self.sides[item] == "base" for item in pool.items], dtype=bool)
        self.forget()

    def forget(self) -> None:
        """Begin again, for a file that is read again."""
        self.done = np.zeros(len(self.rank), dtype=bool)
        self.in_category = np.zeros(len(self._pool.sizes))
        #: Judged with the base left, less those with the tuned model left.
        self.askew = 0

    def count(self, item: str, by: int) -> None:
        """This reviewer judged an item (`by` = 1), or took that back (-1)."""
        at = self._pool.index[item]
        self.done[at] = by > 0
        self.in_category[self._pool.category[at]] += by
        self.askew += by if self.base_left[at] else -by


class Pool:
    """The items of a run, how many judgements each has, and who holds which. Called by one thread at a time.

    `categories`: item -> category; `targets`: item -> how many reviewers it is to have.
    """

    def __init__(
        self,
        categories: Mapping[str, str],
        targets: Mapping[str, int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.items = list(categories)
        self.index = {item: i for i, item in enumerate(self.items)}
        codes = {name: code for code, name in enumerate(dict.fromkeys(categories.values()))}
        self.category = np.array([codes[name] for name in categories.values()], dtype=np.int64)
        self.sizes = np.bincount(self.category, minlength=len(codes)).astype(float)
        self._clock = clock
        self._target = np.array([targets[item] for item in self.items], dtype=np.int64)
        self._have = np.zeros(len(self.items), dtype=np.int64)
        #: reviewer -> (position of the item, when it ends): what is before them, and what they are to see next
        self._leases: dict[str, tuple[int, float]] = {}
        self._ahead: dict[str, tuple[int, float]] = {}

    def forget(self) -> None:
        """Begin counting again, for a file that is read again."""
        self._have[:] = 0

    def count(self, item: str, by: int) -> None:
        """An item has one judgement more (`by` = 1) or less (-1)."""
        self._have[self.index[item]] += by

    def open_to_anybody(self) -> int:
        """How many items somebody new could be asked."""
        return int(np.count_nonzero(self._have < self._target))

    def still_open(self, way: ReviewerQueue) -> int:
        """How many items this reviewer can still be asked."""
        return int(np.count_nonzero(self._open(way)))

    def is_open(self, way: ReviewerQueue, item: str) -> bool:
        at = self.index[item]
        return not way.done[at] and bool(self._have[at] < self._target[at])

    def lease(self, reviewer: str, item: str) -> None:
        """This reviewer has this item before them; the one before goes back."""
        self._leases[reviewer] = (self.index[item], self._clock() + LEASE_SECONDS)

    def lease_ahead(self, reviewer: str, item: str) -> None:
        """This reviewer's page has this item ready: they get it next, and others only where they have no other."""
        self._ahead[reviewer] = (self.index[item], self._clock() + LEASE_SECONDS)

    def release(self, reviewer: str) -> None:
        """What is before this reviewer goes back."""
        self._leases.pop(reviewer, None)

    def leave(self, reviewer: str) -> None:
        """All that this reviewer holds goes back."""
        self.release(reviewer)
        self._ahead.pop(reviewer, None)

    def choose(self, way: ReviewerQueue, skipped: Iterable[str] = ()) -> str | None:
        """The item to ask this reviewer now, neither judged nor skipped by them and still short of judgements.

        That is the one they hold, or that their page has ready; or else one that is short of most judgements, of the
        category of which they have judged least, the earliest in their own order. No item that is with others, while
        there is another.
        """
        open_items = self._open(way)
        open_items[[self.index[item] for item in skipped]] = False
        for held in (self._leases.get(way.reviewer), self._ahead.get(way.reviewer)):
            if held is not None and open_items[held[0]]:
                return self.items[held[0]]
        short = self._target - self._have
        free = self._free(way.reviewer, open_items, short)
        at = np.flatnonzero(open_items & (free > 0))
        return self.items[self._best(way, at, free)] if len(at) else None

    def _best(self, way: ReviewerQueue, at: NDArray[np.intp], short: NDArray[np.int64]) -> int:
        at = where_least(at, -short[at])
        # Which model is on the left is fixed for each item, so the balance is kept by the choice of the item.
        if abs(way.askew) >= MOST_ASKEW:
            wanted = at[way.base_left[at] == (way.askew < 0)]
            at = wanted if len(wanted) else at
        at = where_least(at, (way.in_category / self.sizes)[self.category[at]])
        return int(at[np.argmin(way.rank[at])])

    def _open(self, way: ReviewerQueue) -> NDArray[np.bool_]:
        return ~way.done & (self._have < self._target)

    def _free(self, reviewer: str, open_items: NDArray[np.bool_], short: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many judgements each item is short of, less those that others hold, as long as any is left."""
        shown = short - self._with_others(reviewer, self._leases)
        for free in (shown - self._with_others(reviewer, self._ahead), shown):
            if np.any(open_items & (free > 0)):
                return free
        return short

    def _with_others(self, reviewer: str, leases: dict[str, tuple[int, float]]) -> NDArray[np.int64]:
        now = self._clock()
        for name in [name for name, (_, end) in leases.items() if end <= now]:
            del leases[name]
        held = [at for name, (at, _) in leases.items() if name != reviewer]
        return np.bincount(np.array(held, dtype=np.int64), minlength=len(self.items))


def where_least(at: NDArray[np.intp], values: NDArray[Any]) -> NDArray[np.intp]:
    least: NDArray[np.intp] = at[values == values.min()]
    return least


_WHOLE = 2.0**64


def is_drawn(blinding: Blinding, item: str, sample: float) -> bool:
    """Whether people are asked about an item; true for all where `sample` is 1."""
    return sample >= 1 or int.from_bytes(blinding.seeded("sample", "", item)[:8], "big") / _WHOLE < sample


def drawing_order(blinding: Blinding, items: Iterable[str]) -> list[str]:
    """The items in the order in which they are drawn, which has nothing to do with what they hold."""
    seeds = blinding.seeds("drawing", "", items)
    return sorted(seeds, key=seeds.__getitem__)
