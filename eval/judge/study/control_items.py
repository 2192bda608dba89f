"""When gold pairs and repeats come between the others.

After the j-th judgement so many of each kind have come due as a seeded draw says, so a restart changes nothing, and
undoing a judgement makes nothing due twice.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate

from eval.judge.study.blinding import Blinding
from eval.judge.study.study import Study
from eval.records import Judgement, Kind, Side

#: What is asked: why, and which item.
Key = tuple[Kind, str]


class ControlItems:
    """One reviewer's gold pairs and repeats. `items`: how many pairs the run has to judge."""

    def __init__(self, blinding: Blinding, study: Study, reviewer: str, items: int) -> None:
        self._blinding, self._reviewer = blinding, reviewer
        gold = [pair.item for pair in study.gold.pairs] if study.gold else []
        self.gold_sides: dict[str, Side] = blinding.sides(reviewer, gold)
        self._gold = blinding.order(reviewer, gold)
        self._after = study.repeats.after if study.repeats else 0
        self._due_gold = self._draw("gold", study.gold.rate if study.gold else 0.0, items)
        # None come due while there is nothing to repeat: they would all come at once when there is.
        self._due_repeats = self._draw("repeat", study.repeats.rate if study.repeats else 0.0, items, self._after)

    def due(self, standing: Collection[Key], skipped: Collection[Key]) -> Key | None:
        """The pair to put in now, or None. `standing`: what this reviewer has judged, the oldest first."""
        judged = _count(standing, "judgement")
        served = {*standing, *skipped}
        if _count(served, "gold") < min(self._due_gold[judged], len(self._gold)):
            return next(("gold", item) for item in self._gold if ("gold", item) not in served)
        if _count(served, "repeat") < self._due_repeats[judged]:
            return self._repeat(standing, served)
        return None

    def still_to_come(self, standing: Mapping[Key, Judgement], more: int) -> int:
        """How many will come if `more` pairs are judged yet."""
        judged = min(_count(standing, "judgement") + more, len(self._due_gold) - 1)
        gold = min(self._due_gold[judged], len(self._gold)) - _count(standing, "gold")
        repeats = min(self._due_repeats[judged], max(0, judged - self._after)) - _count(standing, "repeat")
        return max(0, gold) + max(0, repeats)

    def _repeat(self, standing: Collection[Key], served: Collection[Key]) -> Key | None:
        judged = [item for kind, item in standing if kind == "judgement"]
        old = [item for item in judged[: max(0, len(judged) - self._after)] if ("repeat", item) not in served]
        if not old:
            return None
        return "repeat", min(old, key=lambda item: self._blinding.seeded("repeat", self._reviewer, item))

    def _draw(self, kind: Kind, rate: float, items: int, after: int = 0) -> Sequence[int]:
        """How many have come due after 0, 1, 2 … judgements, none of them in the first `after`."""
        if not rate:
            return [0] * (items + 1)
        seed = self._blinding.seeded(f"when {kind}", self._reviewer, "")
        draw = random.Random(int.from_bytes(seed, "big"))
        return list(accumulate((draw.random() < rate and n >= after for n in range(items)), initial=0))


def _count(keys: Collection[Key], kind: Kind) -> int:
    return sum(one == kind for one, _ in keys)
