"""Figures of each reviewer: how many, how fast, how consistent; and whether the finding depends on any one of them.

For the results only: a reviewer never sees these figures, nor anybody else's verdicts, before judging is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.distributions import fair_coin_below
from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.evidence.judgements import BOTH_BAD, TIE, TUNED, Judgements
from eval.records import OUTCOMES, Verdict

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Reviewer:
    """One reviewer. The `n` of each figure says how many of the judgements it is made of."""

    name: str
    judgements: int
    #: Mean score of the judgements that are not both_bad: tuned 1, tie 1/2, base 0.
    win_rate: Estimate
    #: Of the judgements for one side, the share for the answer on the left: one half without a habit.
    left: Estimate
    ties: Estimate
    both_bad: Estimate
    #: Median seconds from the pair's appearance to the verdict.
    seconds: Estimate
    #: Repeated pairs, sides swapped, judged as before; of those for one side both times, for the same place as before.
    repeats: Estimate
    same_place: Estimate
    #: Pairs with a known answer on which the better one was chosen.
    gold: Estimate
    #: The win rate of everybody else.
    without: Estimate


@dataclass(frozen=True)
class Reviewers:
    """All reviewers by name, and the names of those without whom the finding would read otherwise.

    `decisive`: leaving out this one reviewer moves the interval onto one half, or off it, or to its other side.
    """

    rows: tuple[Reviewer, ...]
    everybody: Estimate
    decisive: tuple[str, ...]


def reviewers(table: Judgements) -> Reviewers:
    """Figures of everybody who judged a pair, a repeat or a pair with a known answer."""
    others = {verdict.reviewer for verdict in (*table.repeats, *table.golds)} - set(table.reviewers)
    everybody = win_rate(_scores(*_sums(table, np.arange(len(table)))))
    without = dict(zip(table.reviewers, _left_out(table), strict=True))
    rows = [
        _reviewer(table, name, rows, without.get(name, everybody))
        for name, rows in [*_rows(table), *((name, np.array([], dtype=np.intp)) for name in others)]
    ]
    found = tuple(sorted(rows, key=lambda row: row.name))
    decisive = tuple(row.name for row in found if row.judgements and _reads(row.without) != _reads(everybody))
    return Reviewers(found, everybody, decisive)


def median(values: Floats, *, confidence: float = 0.95) -> Estimate:
    """Median of n values with the exact interval between two of them, from binomial counts below the median.

    No assumption about how values spread (Conover 1999, section 3.2). Fewer than six values carry none at 95%.
    """
    n = len(values)
    if n == 0:
        return Estimate(None, None, None, 0)
    below = int(np.searchsorted(fair_coin_below(n), (1 - confidence) / 2, side="right")) - 1
    if below < 0:
        return Estimate(float(np.median(values)), None, None, n)
    ordered = np.sort(values)
    return Estimate(float(np.median(values)), float(ordered[below]), float(ordered[n - 1 - below]), n)


def _rows(table: Judgements) -> list[tuple[str, Codes]]:
    """Each reviewer's rows of the table."""
    order = np.argsort(table.reviewer, kind="stable")
    ends = np.cumsum(np.bincount(table.reviewer, minlength=len(table.reviewers)))
    return list(zip(table.reviewers, np.split(order, ends[:-1]), strict=True)) if len(table.reviewers) else []


def _reviewer(table: Judgements, name: str, rows: Codes, without: Estimate) -> Reviewer:
    outcome, left, seconds = table.outcome[rows], table.left[rows], table.seconds[rows]
    decided, score = table.decided[rows], table.score[rows]
    again = _repeats(table, name, rows)
    return Reviewer(
        name=name,
        judgements=len(rows),
        win_rate=win_rate(score[outcome != BOTH_BAD]),
        left=_share((outcome == left)[decided & (left >= 0)]),
        ties=_share(outcome == TIE),
        both_bad=_share(outcome == BOTH_BAD),
        seconds=median(seconds[~np.isnan(seconds)]),
        repeats=_share([before == after for before, after in again]),
        same_place=_share([before != after for before, after in again if max(before, after) <= TUNED]),
        gold=_share([verdict.outcome == "tuned" for verdict in table.golds if verdict.reviewer == name]),
        without=without,
    )


def _repeats(table: Judgements, name: str, rows: Codes) -> list[tuple[int, int]]:
    """First and second outcome of each repeated pair whose first judgement is in the table."""
    again: Sequence[Verdict] = [verdict for verdict in table.repeats if verdict.reviewer == name]
    if not again:
        return []
    first = {
        table.items[item]: int(outcome) for item, outcome in zip(table.item[rows], table.outcome[rows], strict=True)
    }
    return [
        (first[verdict.item], OUTCOMES.index(verdict.outcome))
        for verdict in again
        if verdict.item in first and verdict.outcome != "withdrawn"
    ]


def _share(flags: Sequence[bool] | NDArray[np.bool_]) -> Estimate:
    return win_rate(np.asarray(flags, dtype=np.float64))


def _left_out(table: Judgements) -> list[Estimate]:
    """The win rate without each of the reviewers, in the order of their codes."""
    total, count = _sums(table, np.arange(len(table)))
    mine = (_sums(table, rows) for _, rows in _rows(table))
    return [win_rate(_scores(total - my_total, count - my_count)) for my_total, my_count in mine]


def _sums(table: Judgements, rows: Codes) -> tuple[Floats, Codes]:
    """Sum of the scores in these rows and number of them per prompt, shape (items,) each."""
    preferring = rows[table.outcome[rows] != BOTH_BAD]
    item = table.item[preferring]
    total = np.asarray(np.bincount(item, table.score[preferring], len(table.items)), dtype=np.float64)
    return total, np.bincount(item, minlength=len(table.items))


def _scores(total: Floats, count: Codes) -> Floats:
    return np.asarray(total[count > 0] / count[count > 0], dtype=np.float64)


def _reads(estimate: Estimate) -> str:
    """Which way the finding reads."""
    if estimate.low is None or estimate.high is None:
        return "insufficient"
    return "tuned" if estimate.low > 0.5 else "base" if estimate.high < 0.5 else "neither"
