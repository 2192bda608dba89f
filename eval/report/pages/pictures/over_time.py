"""The win rate as prompts were closed: its confidence sequence, and where the study could have stopped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from eval.evidence.analysis import Analysis
from eval.evidence.judgements import by_cluster
from eval.evidence.sequential.e_process import confidence_sequence, fixed_bets
from eval.evidence.sequential.plan_progress import plan_by_cluster, within_plan
from eval.evidence.sequential.sequential import ClosedPrompts, closed_in
from eval.judge.setup.planning import is_planned
from eval.report.pages.drawing import WIDE, Picture, area, dot, line, path, percent, svg, text
from eval.report.pages.snapshot import Snapshot
from eval.report.pages.words import Words

#: At so many prompts, evenly spread, the sequence is computed; at more prompts, at fewer.
_POINTS, _MANY, _FEW_POINTS = 40, 4000, 16
_LEFT, _RIGHT, _TOP, _HIGH = 40.0, 12.0, 14.0, 190.0


#: (prompts, win rate, and its bounds at any look)
Point = tuple[int, float, float, float]


def over_time(snapshot: Snapshot, say: Words) -> Picture | None:
    """None before a prompt is closed."""
    found = snapshot.whole
    points, test = snapshot.once("over time", lambda: _points(found)), found.verdict.progress
    if not points:
        return None
    n, last, low, high = points[-1]
    rows = tuple((f"{k:,}", percent(mean), f"{percent(low)} – {percent(high)}") for k, mean, low, high in points)
    title = say("Win rate as verdicts came in")
    spoken = say(
        "{title}: {rate} after {n} of {plan} planned prompts, between {low} and {high} at any look",
        **{"title": title, "rate": percent(last), "n": f"{n:,}", "plan": f"{test.horizon:,}"},
        low=percent(low),
        high=percent(high),
    )
    return Picture(
        key="time",
        title=title,
        svg=svg(_TOP + _HIGH + 34, _drawn(found, say, points), spoken),
        spoken=spoken,
        head=(say("Prompts"), say("Win rate"), say("Holds at any look")),
        rows=rows,
        note=_note(found, say),
        legend=(
            ("rs-line-tuned", say("win rate")),
            ("rs-band", say("95% confidence sequence")),
            ("rs-line-null", say("what must be exceeded")),
        ),
    )


def _points(analysis: Analysis) -> list[Point]:
    """Evenly spread over the closed prompts, the last one among them."""
    closed, test = _closed(analysis), analysis.verdict.progress
    n = len(closed.scores)
    if not n:
        return []
    at = np.unique(np.linspace(1, n, _POINTS if n <= _MANY else _FEW_POINTS).round().astype(np.intp))
    bets = fixed_bets(test.horizon, alpha=test.alpha)
    bounds = [confidence_sequence(closed.scores[:k], bets, alpha=test.alpha, best=closed.best[:k]) for k in at]
    means = (np.cumsum(closed.scores)[at - 1] / at).tolist()
    return list(zip(at.tolist(), means, *map(list, zip(*bounds, strict=True)), strict=True))


def _closed(analysis: Analysis) -> ClosedPrompts:
    prompts = within_plan(analysis.table, analysis.plan) if is_planned(analysis.run) else analysis.table
    return closed_in(by_cluster(prompts), plan_by_cluster(prompts, analysis.plan))


def _note(analysis: Analysis, say: Words) -> str:
    test = analysis.verdict.progress
    words = say.sentence(analysis.verdict.advice)
    sentence = words[:1].upper() + words[1:]
    if test.first is None:
        return say("{advice}. The plan ends at {plan} prompts.", advice=sentence, plan=f"{test.horizon:,}")
    return say(
        "{advice}. The plan ends at {plan} prompts; judging could have stopped at {stop}.",
        advice=sentence,
        plan=f"{test.horizon:,}",
        stop=f"{test.first:,}",
    )


def _drawn(analysis: Analysis, say: Words, points: list[Point]) -> Iterator[Markup]:
    test = analysis.verdict.progress
    last = max(test.horizon, points[-1][0])
    wide = WIDE - _LEFT - _RIGHT

    def x(k: float) -> float:
        return _LEFT + wide * k / last

    def y(share: float) -> float:
        return _TOP + _HIGH * (1 - share)

    for share in (0, 0.25, 0.5, 0.75, 1):
        yield line(_LEFT, y(share), WIDE - _RIGHT, y(share), "rs-grid")
        yield text(_LEFT - 6, y(share) + 4, f"{share:.0%}", anchor="end", kind="rs-tick")
    yield line(_LEFT, y(test.null), WIDE - _RIGHT, y(test.null), "rs-line-null")
    band = [(x(k), y(high)) for k, _, _, high in points] + [(x(k), y(low)) for k, _, low, _ in reversed(points)]
    yield area(band, "rs-band")
    yield path([(x(k), y(mean)) for k, mean, _, _ in points], "rs-line-tuned")
    yield dot(x(points[-1][0]), y(points[-1][1]), 4, "rs-fill-tuned")
    yield from _mark(x(test.horizon), say("plan"), "rs-line-plan", 1)
    if test.first is not None:
        yield from _mark(x(test.first), say("could stop"), "rs-line-stop", 0)
    for k in _ticks(last):
        yield text(x(k), _TOP + _HIGH + 16, f"{k:,}", anchor="middle" if k < last else "end", kind="rs-tick")
    yield text(
        _LEFT + wide / 2, _TOP + _HIGH + 31, say("prompts with all their verdicts"), anchor="middle", kind="rs-tick"
    )


def _mark(x: float, label: str, kind: str, row: int) -> Iterator[Markup]:
    yield line(x, _TOP, x, _TOP + _HIGH, kind)
    anchor = "end" if x > WIDE / 2 else "start"
    yield text(x + (-5 if anchor == "end" else 5), _TOP + 12 + 15 * row, label, anchor=anchor, kind="rs-tick")


def _ticks(last: int) -> list[int]:
    return sorted({0, last // 2, last}) if last > 1 else [last]
