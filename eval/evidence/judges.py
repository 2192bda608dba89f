"""What a model judge said of each prompt, beside people's scores: aligned arrays, and how often the two agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.collect.model_judge import ModelVerdict, read_model_verdicts
from eval.errors import InputError
from eval.evidence.predicted import Predicted, predicted_win_rate
from eval.evidence.table import Table
from eval.evidence.winrate import Estimate, win_rate
from eval.run import Run

Floats = NDArray[np.float64]

#: `both_bad` is no preference; the predictor must still say something, and one half is what it says.
_SCORES = {"tuned": 1.0, "base": 0.0, "tie": 0.5, "both_bad": 0.5, "none": np.nan}


@dataclass(frozen=True)
class Beside:
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


def judges(run: Run) -> list[str]:
    """The models that judged this run, by name."""
    return sorted({row.model for row in read_model_verdicts(run)})


def beside_people(run: Run, table: Table, items: Sequence[str], model: str = "") -> Beside | None:
    """One model's scores beside people's, for `items` in their order; None where no model judged.

    Raises InputError where several models judged and none is
    named, or the named one did not judge.
    """
    rows = read_model_verdicts(run)
    names = sorted({row.model for row in rows})
    if not names:
        return None
    if not model and len(names) > 1:
        raise InputError(f"{', '.join(names)} judged run {run.name}: name the one that is to help people")
    if model and model not in names:
        raise InputError(f"{model} did not judge run {run.name}: {', '.join(names)} did")
    own = {row.item: row for row in rows if row.model == (model or names[0])}
    said = np.array([_SCORES[own[item].outcome] if item in own else np.nan for item in items], dtype=np.float64)
    human = _people(table, items)
    both = ~np.isnan(human) & ~np.isnan(said)
    return Beside(
        model=model or names[0],
        items=tuple(items),
        human=human,
        judge=said,
        judged=np.isin(items, table.items) if len(table.items) else np.zeros(len(items), dtype=np.bool_),
        agreement=win_rate((np.sign(human[both] - 0.5) == np.sign(said[both] - 0.5)).astype(np.float64)),
        consistent=win_rate(_flags(own.values())),
    )


def helped(found: Beside, drawn: NDArray[np.bool_], *, confidence: float = 0.95) -> Predicted:
    """People's win rate with this judge's help; `drawn`: for which items people were drawn, shape (items,).

    Items that people still owe a verdict are left out: they say nothing of either.
    """
    use = ~drawn | found.judged
    return predicted_win_rate(found.human[use], found.judge[use], drawn[use], confidence=confidence)


def _flags(rows: Iterable[ModelVerdict]) -> Floats:
    return np.array([row.consistent for row in rows], dtype=np.float64)


def _people(table: Table, items: Sequence[str]) -> Floats:
    score = table.score
    there = ~np.isnan(score)
    number = np.bincount(table.item[there], minlength=len(table.items))
    total = np.bincount(table.item[there], weights=score[there], minlength=len(table.items))
    mean = dict(zip(table.items, np.where(number > 0, total / np.maximum(number, 1), np.nan), strict=True))
    return np.array([mean.get(item, np.nan) for item in items], dtype=np.float64)
