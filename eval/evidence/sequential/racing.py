"""Racing several candidates against one base: who is dropped at any look, and who is the best.

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
from eval.evidence.sequential.sequential import ClosedPrompts

#: The rules by which candidates are dropped.
Rule = Literal["sure", "halving"]


@dataclass(frozen=True)
class Entrant:
    """A candidate's closed prompts, how many its study holds, and how many of its answers are the base's very text.

    Those are ties by themselves: left out, a candidate that hardly changed would be raced on the few prompts it did.
    """

    closed: ClosedPrompts
    horizon: int
    identical: int = 0

    def with_ties(self, rate: float) -> float:
        """A win rate on the prompts that are asked, as one on all: identical answers count as ties."""
        return 0.5 + (rate - 0.5) * self.horizon / max(1, self.horizon + self.identical)

    def has(self, prompts: int) -> bool:
        """Whether so many prompts brought a score, or all that could are closed."""
        return len(self.closed.scores) >= prompts or self.closed.closed >= self.horizon


@dataclass(frozen=True)
class Bounds:
    """A candidate's win rate over its `n` closed prompts, with identical answers as ties, and the confidence sequence
    that holds together with all others'."""

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


def people_needed(candidates: int, rule: Rule) -> int:
    """Reviewers who can give all verdicts of a sweep, each seeing one pair of a prompt at most."""
    if rule == "sure" or candidates < 2:
        return candidates
    running, parts = candidates, 0
    for _ in checkpoints(candidates, 1):
        parts, running = parts + running, ceil(running / 2)
    return ceil((parts + running) / (len(checkpoints(candidates, 1)) + 1))


def race(
    entrants: Mapping[str, Entrant],
    *,
    of: int,
    rule: Rule = "sure",
    alpha: float = ALPHA,
    gone: Mapping[str, str] | None = None,
) -> Race:
    """Where the candidates that people judge stand, at least one; selection is paid for by `of`.

    `gone`: who was dropped at an earlier look, and stays so.
    """
    level = selected_alpha(alpha, of)
    bounds = {name: _bounds(one, level) for name, one in entrants.items()}
    before = gone or {}
    if rule == "halving":
        dropped = _halved(entrants, before)
    else:
        dropped = _surely_worse({name: one for name, one in bounds.items() if name not in before})
    return Race(bounds, {**dropped, **before})


def _bounds(one: Entrant, alpha: float) -> Bounds:
    scores = one.closed.scores
    bets = fixed_bets(one.horizon, alpha=alpha)
    low, high = confidence_sequence(scores, bets, alpha=alpha, best=one.closed.best)
    value = one.with_ties(float(scores.mean())) if len(scores) else None
    return Bounds(value, one.with_ties(low), one.with_ties(high), len(scores))


def _surely_worse(bounds: Mapping[str, Bounds]) -> dict[str, str]:
    if not bounds:
        return {}
    best = max(bounds, key=lambda name: bounds[name].low)
    reason = f"its upper end is below {best}'s lower end"
    return {name: reason for name, one in bounds.items() if one.high < bounds[best].low}


def _halved(entrants: Mapping[str, Entrant], gone: Collection[str]) -> dict[str, str]:
    """By the first prompts of each alone, so that a later look finds the same."""
    running, dropped = list(entrants), dict[str, str]()
    stages = {name: checkpoints(len(entrants), one.horizon) for name, one in entrants.items()}
    for stage in range(len(next(iter(stages.values())))):
        if any(not entrants[name].has(stages[name][stage]) for name in running if name not in gone):
            break
        rates = {name: _rate(entrants[name], stages[name][stage]) for name in running}
        running.sort(key=lambda name: (name in gone, -rates[name]))
        half = ceil(len(running) / 2)
        for name in running[half:]:
            dropped[name] = f"{rates[name]:.1%} after {stages[name][stage]} prompts, in the lower half"
        running = running[:half]
    return dropped


def _rate(one: Entrant, prompts: int) -> float:
    first = one.closed.scores[:prompts]
    return one.with_ties(float(first.mean()) if len(first) else 0.5)
