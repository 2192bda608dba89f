"""The win rate in each category, with intervals and p-values corrected for looking at many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.counts import Counts, prompt_counts
from eval.evidence.estimates.distributions import t_two_sided
from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.evidence.judgements import Judgements

Floats = NDArray[np.float64]

#: How the intervals and the p-values are corrected.
INTERVALS, P_VALUES = "Bonferroni", "Holm"


@dataclass(frozen=True)
class Category:
    """One category, "" where the prompts have none. `win_rate.n` counts prompts with a preference or tie."""

    name: str
    prompts: int
    judgements: int
    #: Its interval holds together with those of all other categories: jointly 95% (Bonferroni).
    win_rate: Estimate
    #: The same share with an interval of its own, for somebody who asked about this category alone.
    alone: Estimate
    #: Against a win rate of one half, two-sided; and corrected over all categories (Holm). None below two prompts.
    p_value: float | None
    holm: float | None


@dataclass(frozen=True)
class Categories:
    """Categories by name. `confidence` is that of each corrected interval; `looked_at` of them carry one."""

    rows: tuple[Category, ...]
    looked_at: int
    confidence: float


def categories(table: Judgements, *, confidence: float = 0.95) -> Categories:
    """Every category that was judged.

    The intervals are those of `winrate.win_rate` at 1 - (1 - confidence) / m, m categories that carry one: with at
    least `confidence` all of them hold. Holm's p-values (1979) may reject where such an interval still holds one half.
    """
    counts = prompt_counts(table.item, table.outcome, len(table.items)).per_prompt
    judged = counts.sum(axis=1) > 0
    parts = {name: counts[judged & (table.facts.category == code)] for code, name in enumerate(table.facts.categories)}
    parts = {name: part for name, part in sorted(parts.items()) if len(part)}
    scores = {name: Counts(part).scores for name, part in parts.items()}
    looked_at = sum(len(score) > 1 for score in scores.values())
    each = 1 - (1 - confidence) / max(1, looked_at)
    p_values = {name: p_value(score) for name, score in scores.items() if len(score) > 1}
    corrected = dict(zip(p_values, holm(np.array(list(p_values.values()))), strict=True))
    rows = [
        Category(
            name=name,
            prompts=len(part),
            judgements=int(part.sum()),
            win_rate=win_rate(scores[name], confidence=each),
            alone=win_rate(scores[name], confidence=confidence),
            p_value=p_values.get(name),
            holm=float(corrected[name]) if name in corrected else None,
        )
        for name, part in parts.items()
    ]
    return Categories(tuple(rows), looked_at, each)


def p_value(scores: Floats, *, null: float = 0.5) -> float:
    """Two-sided, of a mean score of `null`: the largest error level whose interval by `win_rate` leaves `null` out.

    `scores` has shape (prompts,), two or more. Wilson's interval is the score test turned round, so the distance is
    taken in standard errors at `null` and the effective number of prompts, and held against Student's t.
    """
    n, p = len(scores), float(scores.mean())
    variance = float(scores.var(ddof=1)) / n
    spread = p * (1 - p)
    effective = spread / variance if variance > 0 and spread > 0 else float(n)
    distance = abs(p - null) / np.sqrt(null * (1 - null) / effective)
    return t_two_sided(distance, n - 1)


def holm(p_values: Floats) -> Floats:
    """p-values corrected over all of them by Holm's step-down procedure (1979), in the order given. Shape (m,)."""
    m, order = len(p_values), np.argsort(p_values, kind="stable")
    corrected = np.empty(m)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * np.arange(m, 0, -1)))
    return corrected
