"""Which pair each reviewer is asked next, and how many there are for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from eval.judge.page.reviewer_state import ReviewerState
from eval.judge.study.assignment import Pool
from eval.judge.study.control_items import Key
from eval.judge.study.study import Study


class DuePairs:
    """Chooses among `items`, which `pool` shares out, and `gold`. All is asked inside a turn (JudgingState)."""

    def __init__(self, pool: Pool, study: Study, items: Collection[str], gold: Collection[str]) -> None:
        self._pool, self._study = pool, study
        self._items, self._gold = items, gold

    def next(self, state: ReviewerState) -> Key | None:
        """What this reviewer is asked now; it is then theirs for a while. Skipped ones come last, the oldest first."""
        skipped = [key for key in state.skipped if self.is_askable(state, key)]
        key = self._choose(state, list(state.standing), skipped)
        self.hold(state, key)
        return key

    def after(self, state: ReviewerState, shown: Key) -> Key | None:
        """What this reviewer will be asked once they have judged what is before them, if nothing else
        happens; as far as others can wait it is kept for them."""
        if shown in state.standing:
            return None
        skipped = [key for key in state.skipped if key != shown and self.is_askable(state, key)]
        with self._as_if_judged(state, shown):
            key = self._choose(state, [*state.standing, shown], skipped)
        if key is not None and key[0] == "judgement":
            self._pool.lease_ahead(state.reviewer, key[1])
        return key

    @contextmanager
    def _as_if_judged(self, state: ReviewerState, key: Key) -> Iterator[None]:
        kind, item = key
        if kind != "judgement":
            yield
            return
        for counted in (self._pool.count, state.way.count):
            counted(item, 1)
        try:
            yield
        finally:
            for counted in (self._pool.count, state.way.count):
                counted(item, -1)

    def _choose(self, state: ReviewerState, standing: Sequence[Key], skipped: Sequence[Key]) -> Key | None:
        key = state.extras.due(standing, skipped)
        if key is not None:
            return key
        item = self._pool.choose(state.way, [item for kind, item in skipped if kind == "judgement"])
        return ("judgement", item) if item is not None else next(iter(skipped), None)

    def is_askable(self, state: ReviewerState, key: Key) -> bool:
        """Whether a pair may still be put before this reviewer."""
        kind, item = key
        if key in state.standing or item not in (self._gold if kind == "gold" else self._items):
            return False
        if kind == "judgement":
            return self._pool.is_open(state.way, item)
        return kind == "gold" or ("judgement", item) in state.standing

    def hold(self, state: ReviewerState, key: Key | None) -> None:
        """This pair is before this reviewer, and goes to nobody else for a while; the one before goes back."""
        if key is not None and key[0] == "judgement":
            self._pool.lease(state.reviewer, key[1])
        else:
            self._pool.release(state.reviewer)

    def total(self, state: ReviewerState) -> int:
        """The reviewer's target, of all kinds: the study's, or all that was open to them. It does not shrink while
        others judge."""
        judged, still_open = len(state.standing), self._pool.still_open(state.way)
        state.target = max(
            state.target,
            judged + still_open + state.extras.still_to_come(state.standing, still_open),
            state.open_at_first + state.extras.still_to_come({}, state.open_at_first),
        )
        return max(judged, min(state.target, self._study.target or state.target))
