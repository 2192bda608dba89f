"""Figures of a study's criteria, tags and thumbs, over prompts, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.bootstrap import signed_bootstrap
from eval.evidence.estimates.metric import Metric
from eval.evidence.estimates.winrate import win_rate
from eval.judge.study.study import STRENGTH, STRENGTHS, Criterion, Study
from eval.records import SIDES, Judgement, Side, Thumb, Verdict

Floats = NDArray[np.float64]
R = TypeVar("R", bound=Judgement)

_COMPARED = {"tuned": 1.0, "base": 0.0, "tie": 0.5}


def criteria_figures(study: Study, verdicts: Sequence[Verdict]) -> Iterator[Metric]:
    """Figures of the judgements in force. A criterion that nobody answered has no number.

    A comparing one gives a win rate as the verdict does; one of numbers the mean of each side and tuned minus base,
    paired by prompt; one of words the share of each value a side. Tags give the share of judgements with each. Grades
    give how far the models were apart; the win rate goes by their sign alone.
    """
    if study.mode == "graded":
        yield from _graded(verdicts)
    for criterion in study.criteria:
        if criterion.scale == "pairwise":
            yield Metric.share(
                f"{criterion.name}: win rate", win_rate(means(verdicts, partial(_compared, criterion.name)))
            )
        elif numeric(criterion):
            yield from _rated(criterion.name, verdicts)
        else:
            yield from _worded(criterion, verdicts)
    for tag in study.tags:
        yield Metric.share(f"tag {tag}: base", win_rate(means(verdicts, partial(tagged, tag, "base"))))
        yield Metric.share(f"tag {tag}: tuned", win_rate(means(verdicts, partial(tagged, tag, "tuned"))))


def thumb_figures(thumbs: Sequence[Thumb]) -> Iterator[Metric]:
    """Figures of the thumbs in force: how often an answer was liked, a prompt counting once."""
    yield Metric.share("answers liked (thumbs up)", win_rate(means(thumbs, lambda row: float(row.outcome == "up"))))
    yield Metric.count("thumbs up", sum(row.outcome == "up" for row in thumbs), "thumbs")
    yield Metric.count("thumbs down", sum(row.outcome == "down" for row in thumbs), "thumbs")
    yield Metric.count("people who gave thumbs", len({row.reviewer for row in thumbs}), "reviewers")


def _graded(verdicts: Sequence[Verdict]) -> Iterator[Metric]:
    """The mean grade from -2 (base much better) to 2 (tuned much better), and how many wins of each side were large."""
    yield Metric.number("grade, -2 (base) to 2 (tuned)", signed_bootstrap(means(verdicts, grade)))
    for side in SIDES:
        wins = [row for row in verdicts if row.outcome == side]
        yield Metric.share(f"much better, of the wins of {side}", win_rate(means(wins, _is_large)))


def grade(row: Verdict) -> float | None:
    """How far a verdict of a graded study goes, from -2 (base much better) to 2 (tuned much better); 0 for a tie, None
    where no side is preferred or no grade was given.
    """
    if row.outcome == "tie":
        return 0.0
    strength = number(STRENGTH, row)
    sign = {"tuned": 1.0, "base": -1.0}.get(row.outcome)
    return None if strength is None or sign is None else sign * strength


def _is_large(row: Verdict) -> float | None:
    strength = number(STRENGTH, row)
    return None if strength is None else float(strength == max(map(float, STRENGTHS)))


def _rated(name: str, verdicts: Sequence[Verdict]) -> Iterator[Metric]:
    sides = [_by_item(verdicts, partial(number, f"{name}_{side}")) for side in SIDES]
    for side, values in zip(SIDES, sides, strict=True):
        yield Metric.number(f"{name}: mean of {side}", signed_bootstrap(_array(values.values())))
    both = [sides[1][item] - sides[0][item] for item in sides[0] if item in sides[1]]
    yield Metric.number(f"{name}: tuned minus base", signed_bootstrap(_array(both)))


def _worded(criterion: Criterion, verdicts: Sequence[Verdict]) -> Iterator[Metric]:
    for side in SIDES:
        for value in criterion.values:
            share = means(verdicts, partial(chosen, f"{criterion.name}_{side}", value))
            yield Metric.share(f"{criterion.name} {value}: {side}", win_rate(share))


def numeric(criterion: Criterion) -> bool:
    """Whether every value of its scale is a number."""
    try:
        return all(np.isfinite(float(value)) for value in criterion.values)
    except ValueError:
        return False


def _compared(name: str, row: Verdict) -> float | None:
    return _COMPARED.get(row.criteria.get(name, ""))


def number(column: str, row: Verdict) -> float | None:
    """A cell as a number; None where nothing was chosen."""
    cell = row.criteria.get(column, "")
    return float(cell) if cell else None


def chosen(column: str, value: str, row: Verdict) -> float | None:
    """1 where a cell holds the value, 0 where another one, None where nothing was chosen."""
    cell = row.criteria.get(column, "")
    return float(cell == value) if cell else None


def tagged(tag: str, side: Side, row: Verdict) -> float:
    """1 where the side has the tag, else 0."""
    return float(tag in (row.tags_base if side == "base" else row.tags_tuned))


def means(rows: Sequence[R], value: Callable[[R], float | None]) -> Floats:
    """Mean of the values of each item that has one. Shape (items,)."""
    return _array(_by_item(rows, value).values())


def _by_item(rows: Sequence[R], value: Callable[[R], float | None]) -> dict[str, float]:
    """Mean of the values of each item that has one."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if (one := value(row)) is not None:
            found.setdefault(row.item, []).append(one)
    return {item: sum(values) / len(values) for item, values in found.items()}


def _array(values: Iterable[float]) -> Floats:
    return np.array(list(values), dtype=np.float64)
