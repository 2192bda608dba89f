"""The CSV tables of a report: figures, categories, reviewers, disagreements."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO

from blindside.console import visible
from eval.evidence.analysis import Analysis
from eval.evidence.estimates.metric import Metric
from eval.evidence.estimates.metric_ids import metric_id
from eval.evidence.estimates.winrate import Estimate
from eval.records import OUTCOMES
from eval.spreadsheet import neutralise, storable

#: U+200C and U+200D.
JOINERS = frozenset("\u200c\u200d")


def summary_csv(figures: Sequence[Metric]) -> str:
    """A row a figure: its stable id (eval.evidence.estimates.metric_ids), its sentence, and its numbers."""
    columns = ("id", "metric", "value", "low95", "high95", "n", "n_counts")
    numbers = [(_number(f.value), _number(f.low), _number(f.high), f.n, f.unit) for f in figures]
    rows = [(_safe(metric_id(f.name)), _safe(f.name), *number) for f, number in zip(figures, numbers, strict=True)]
    return _written(columns, (dict(zip(columns, row, strict=True)) for row in rows))


def category_csv(analysis: Analysis) -> str:
    """One row per category; low and high hold for all categories together (Bonferroni), p_holm is corrected by Holm."""
    rows = [
        {
            "category": _safe(row.name),
            "prompts": row.prompts,
            "judgements": row.judgements,
            **_estimate("win_rate", row.win_rate),
            "low95_alone": row.alone.low,
            "high95_alone": row.alone.high,
            "p": row.p_value,
            "p_holm": row.holm,
        }
        for row in analysis.categories.rows
    ]
    names = ["win_rate", "win_rate_low", "win_rate_high", "win_rate_n", "low95_alone", "high95_alone", "p", "p_holm"]
    return _written(["category", "prompts", "judgements", *names], rows)


def reviewer_csv(analysis: Analysis) -> str:
    """One row per reviewer, each share with interval and n; `win_rate_without` is everybody else's."""
    figures = ("win_rate", "left", "ties", "both_bad", "seconds", "repeats", "same_place", "gold", "without")
    rows = [
        {
            "reviewer": _safe(row.name),
            "judgements": row.judgements,
            **{key: value for name in figures for key, value in _estimate(name, getattr(row, name)).items()},
            "decisive": row.name in analysis.reviewers.decisive,
        }
        for row in analysis.reviewers.rows
    ]
    names = [key for name in figures for key in _estimate(name, Estimate(None, None, None, 0))]
    return _written(["reviewer", "judgements", *names, "decisive"], rows)


def disagreement_csv(analysis: Analysis) -> str:
    """One row per prompt on which reviewers gave different verdicts: how many of each, and how the prompt begins."""
    asked = {pair.prompt_id: pair.messages[-1].content for pair in analysis.pairs}
    given: dict[str, list[str]] = {}
    for verdict in analysis.verdicts:
        given.setdefault(verdict.item, []).append(verdict.outcome)
    rows = [
        {
            "item": _safe(item),
            **{outcome: outcomes.count(outcome) for outcome in OUTCOMES},
            "prompt": _safe(" ".join(asked[item].split())[:200]),
        }
        for item, outcomes in given.items()
        if len(set(outcomes)) > 1
    ]
    return _written(["item", *OUTCOMES, "prompt"], rows)


def _written(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """The rows as CSV; None is an empty cell."""
    file = StringIO()
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _estimate(name: str, estimate: Estimate) -> dict[str, float | int | None]:
    return {
        name: estimate.value,
        f"{name}_low": estimate.low,
        f"{name}_high": estimate.high,
        f"{name}_n": estimate.n,
    }


def _safe(cell: str) -> str:
    """No spreadsheet runs it and no terminal obeys it; what joins letters of Persian and of emoji stays."""
    return neutralise(visible(storable(cell), keep=JOINERS))
