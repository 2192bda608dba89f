"""Several candidates against one base: who is asked no more, at any look, and who is the best.

Each of k candidates has a confidence sequence of its win rate over the base at level alpha / k, so all of them hold
together, at all looks, with probability 1 - alpha. `sure`: a candidate whose upper end is below the best one's lower
end is not the best one, and is dropped (action elimination, Even-Dar, Mannor and Mansour 2006). `halving`: whenever all
that run have closed a further part of their prompts, the lower half is dropped (Karnin, Koren and Somekh 2013); that
may drop the best one, and saves many more verdicts.

Who is released is another question. The winner was chosen among k, so its own test must reach k / alpha: by the union
bound that holds at any look and whatever the rule of dropping was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import ceil, log2
from typing import Literal

from eval.evidence.sequential.e_process import ALPHA, confidence_sequence, fixed_bets
from eval.evidence.sequential.sequential import Closed

#: By what candidates are dropped.
Rule = Literal["sure", "halving"]


@dataclass(frozen=True)
class Bounds:
    """A candidate's win rate over its `n` closed prompts, and the sequence that holds with all others' together."""

    value: float | None
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Race:
    """`bounds` of every candidate, dropped ones among them; `dropped`: candidate -> why, as half a sentence."""

    bounds: Mapping[str, Bounds]
    dropped: Mapping[str, str]

    @property
    def running(self) -> tuple[str, ...]:
        """Candidates that are still asked, the best first."""
        return tuple(sorted((name for name in self.bounds if name not in self.dropped), key=self._rank))

    @property
    def best(self) -> str:
        """The candidate with the highest win rate of those that run; the first one of all before any verdict."""
        return self.running[0]

    def _rank(self, name: str) -> tuple[float, float]:
        found = self.bounds[name]
        return (-found.value if found.value is not None else 0.0, -found.low)


def selected_alpha(alpha: float, candidates: int) -> float:
    """The level of each single claim where one of so many candidates is chosen (Bonferroni)."""
    return alpha / max(1, candidates)


def checkpoints(candidates: int, horizon: int) -> list[int]:
    """After how many closed prompts of each `halving` drops the lower half, until one is left."""
    stages = ceil(log2(candidates)) if candidates > 1 else 0
    return [max(1, round(horizon * stage / (stages + 1))) for stage in range(1, stages + 1)]


def race(
    closed: Mapping[str, Closed],
    horizon: int,
    *,
    of: int,
    rule: Rule = "sure",
    alpha: float = ALPHA,
    gone: Mapping[str, str] | None = None,
) -> Race:
    """Where candidates stand, of `of` that selection is paid for; `closed` are those that people judge, at least one.

    `horizon`: the prompts that each one's study holds. `gone`: who was dropped at an earlier look, and stays so.
    """
    level = selected_alpha(alpha, of)
    bounds = {name: _bounds(one, horizon, level) for name, one in closed.items()}
    before = gone or {}
    if rule == "halving":
        dropped = _halved(closed, horizon, before)
    else:
        dropped = _surely_worse({name: one for name, one in bounds.items() if name not in before})
    return Race(bounds, {**dropped, **before})


def _bounds(closed: Closed, horizon: int, alpha: float) -> Bounds:
    scores = closed.scores
    low, high = confidence_sequence(scores, fixed_bets(horizon, alpha=alpha), alpha=alpha, best=closed.best)
    return Bounds(float(scores.mean()) if len(scores) else None, low, high, len(scores))


def _surely_worse(bounds: Mapping[str, Bounds]) -> dict[str, str]:
    best = max(bounds, key=lambda name: bounds[name].low)
    told = f"its upper end is below {best}'s lower end"
    return {name: told for name, one in bounds.items() if one.high < bounds[best].low}


def _halved(closed: Mapping[str, Closed], horizon: int, gone: Collection[str]) -> dict[str, str]:
    """By the first prompts of each alone, so that a later look finds the same."""
    running, dropped = list(closed), dict[str, str]()
    for n in checkpoints(len(closed), horizon):
        if any(len(closed[name].scores) < n for name in running if name not in gone):
            break
        means = {name: float(closed[name].scores[:n].mean()) for name in running if len(closed[name].scores)}
        running.sort(key=lambda name: (name in gone, -means.get(name, 0.0)))
        half = ceil(len(running) / 2)
        dropped |= {name: f"{means.get(name, 0):.1%} after {n} prompts, in the lower half" for name in running[half:]}
        running = running[:half]
    return dropped
