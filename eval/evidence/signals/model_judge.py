"""A model judge's scores aligned with people's, and how often the two agree."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eval.collect.model_tasks.rows import ModelVerdict
from eval.errors import InputError
from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.evidence.judgements import Judgements, prompt_means
from eval.evidence.signals.ppi import PredictionPowered, predicted_win_rate

Floats = NDArray[np.float64]

#: `both_bad` is no preference, but the predictor needs a number: one half.
_SCORES = {"tuned": 1.0, "base": 0.0, "tie": 0.5, "both_bad": 0.5, "none": np.nan}


@dataclass(frozen=True)
class JudgeBesidePeople:
    """Scores of `items` in [0, 1], shape (items,): people's mean, NaN where there is none, and the judge's."""

    model: str
    items: tuple[str, ...]
    human: Floats
    judge: Floats
    #: Whether people judged it, also where they found both answers bad.
    judged: NDArray[np.bool_]
    #: Share of the prompts that both scored on which they lean to the same side (or neither leans).
    agreement: Estimate
    #: Share of prompts on which both orders gave the judge's same verdict.
    consistent: Estimate


def beside_people(rows: Sequence[ModelVerdict], table: Judgements, items: Sequence[str]) -> JudgeBesidePeople:
    """One model's scores beside people's, for `items` in their order.

    Raises InputError where the rows are those of several models.
    """
    names = sorted({row.model for row in rows})
    if len(names) > 1:
        raise InputError(f"{', '.join(names)} judged this run: keep the rows of the one that is to help people")
    own = {row.item: row for row in rows}
    judged = np.array([_SCORES[own[item].outcome] if item in own else np.nan for item in items], dtype=np.float64)
    means = prompt_means(table.item, table.score, len(table.items)).tolist()
    people = dict(zip(table.items, means, strict=True))
    human = np.array([people.get(item, np.nan) for item in items], dtype=np.float64)
    both = ~np.isnan(human) & ~np.isnan(judged)
    return JudgeBesidePeople(
        model=names[0] if names else "",
        items=tuple(items),
        human=human,
        judge=judged,
        judged=np.array([item in people for item in items], dtype=np.bool_),
        agreement=win_rate((np.sign(human[both] - 0.5) == np.sign(judged[both] - 0.5)).astype(np.float64)),
        consistent=win_rate(np.array([row.consistent for row in rows], dtype=np.float64)),
    )


def with_skips(judge: JudgeBesidePeople, skipped: Collection[str]) -> JudgeBesidePeople:
    """As if people had preferred the base on every item that was put before them and skipped: the worst case."""
    open_ones = np.array([item in skipped for item in judge.items], dtype=np.bool_)
    return replace(judge, human=np.where(open_ones, 0.0, judge.human), judged=judge.judged | open_ones)


def with_judge(judge: JudgeBesidePeople, drawn: NDArray[np.bool_], *, confidence: float = 0.95) -> PredictionPowered:
    """People's win rate with this judge's help; `drawn`: for which items people were drawn, shape (items,).

    Items that people still owe a verdict are left out: they say nothing of either.
    """
    use = ~drawn | judge.judged
    return predicted_win_rate(judge.human[use], judge.judge[use], drawn[use], confidence=confidence)
