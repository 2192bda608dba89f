"""Pictures of reviewers: seconds per verdict over a session, and pairwise agreement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from eval.evidence.analysis import Analysis
from eval.evidence.conditions import HASTY
from eval.report.pages.drawing import WIDE, Link, Picture, box, cut, dot, line, linked, path, percent, svg, text
from eval.report.pages.query import browse_link
from eval.report.pages.words import Words

#: Verdicts of a session are drawn in so many steps at most, and so many reviewers, those with most verdicts.
_STEPS, _MOST = 60, 12
_LEFT, _ROW = 110.0, 40.0
#: Seconds at the ends of the axis, which is logarithmic.
_SHORTEST, _LONGEST = 0.5, 300.0

Step = tuple[int, int, float]


def seconds(analysis: Analysis, say: Words) -> Picture | None:
    """None where no time was recorded."""
    people = [(name, _steps(analysis, code)) for code, name in _busiest(analysis)]
    if not any(middle for _, steps in people for _, _, middle in steps):
        return None
    medians = [
        (name, float(np.median(analysis.table.seconds[analysis.table.reviewer == code])))
        for code, name in _busiest(analysis)
    ]
    title = say("Seconds per verdict over the session")
    spoken = f"{title}: " + "; ".join(
        say("{name}, median {seconds} s", name=name, seconds=f"{middle:.1f}") for name, middle in medians
    )
    return Picture(
        key="seconds",
        title=title,
        svg=svg(22 + _ROW * len(people), _lines(people, dict(medians), say), spoken),
        spoken=spoken,
        head=(say("Reviewer"), say("Verdicts"), say("Median seconds")),
        rows=tuple(
            (Link(name, browse_link(reviewer=name)), f"{first + 1:,}–{last:,}", f"{middle:.1f}")
            for name, steps in people
            for first, last, middle in steps
        ),
        note=say(
            "The dashed line is at {seconds} seconds: below it nobody has read two answers.", seconds=f"{HASTY:.0f}"
        ),
    )


def matrix(analysis: Analysis, say: Words) -> Picture | None:
    """Of each two reviewers the share of equal verdicts. None where no two judged a prompt in common."""
    pairs = analysis.agreement.pairs
    names = [name for _, name in _busiest(analysis)]
    shown = [two for two in pairs if two.first in names and two.second in names]
    if not shown:
        return None
    title = say("Agreement of each two reviewers")
    spoken = f"{title}: " + "; ".join(f"{two.first}, {two.second} {percent(two.raw.value or 0)}" for two in shown[:20])
    side = min(46.0, (WIDE - _LEFT) / len(names))
    return Picture(
        key="agreement",
        title=title,
        svg=svg(20 + side * len(names), _cells(analysis, names, side), spoken),
        spoken=spoken,
        head=(say("Two reviewers"), say("Equal verdicts"), "n", say("Cohen's kappa")),
        rows=tuple(
            (
                say("{first} and {second}", first=two.first, second=two.second),
                percent(two.raw.value or 0),
                f"{two.raw.n:,}",
                "–" if two.kappa.value is None else f"{two.kappa.value:.2f}",
            )
            for two in pairs
        ),
        note=say("Share of equal verdicts on the prompts that both judged; the stronger the colour, the more."),
    )


def _busiest(analysis: Analysis) -> list[tuple[int, str]]:
    """Reviewers with most verdicts, by name: code and name."""
    count = np.bincount(analysis.table.reviewer, minlength=len(analysis.table.reviewers))
    most = sorted(np.flatnonzero(count), key=lambda code: (-int(count[code]), int(code)))[:_MOST]
    return sorted(((int(code), analysis.table.reviewers[code]) for code in most), key=lambda one: one[1])


def _steps(analysis: Analysis, code: int) -> list[Step]:
    """(first, last, median seconds) of stretches of a reviewer's verdicts, in their order."""
    own = analysis.table.seconds[analysis.table.reviewer == code]
    edges = np.unique(np.linspace(0, len(own), min(len(own), _STEPS) + 1).round().astype(np.intp))
    return [(int(start), int(end), float(np.median(own[start:end]))) for start, end in pairwise(edges)]


def _lines(people: Sequence[tuple[str, list[Step]]], medians: dict[str, float], say: Words) -> Iterator[Markup]:
    wide = WIDE - _LEFT - 62
    longest = max(steps[-1][1] for _, steps in people)
    for row, (name, steps) in enumerate(people):
        top = 4 + _ROW * row

        def y(value: float, top: float = top) -> float:
            share = np.log(np.clip(value, _SHORTEST, _LONGEST) / _SHORTEST) / np.log(_LONGEST / _SHORTEST)
            return float(top + (_ROW - 8) * (1 - share))

        yield line(_LEFT, y(HASTY), _LEFT + wide, y(HASTY), "rs-line-null")
        yield line(_LEFT, top + _ROW - 8, _LEFT + wide, top + _ROW - 8, "rs-grid")
        points = [(_LEFT + wide * (first + last) / 2 / longest, y(middle)) for first, last, middle in steps]
        drawn = path(points, "rs-line-tuned") if len(points) > 1 else dot(*points[0], 3, "rs-fill-tuned")
        title = say("{name}, median {seconds} s", name=name, seconds=f"{medians[name]:.1f}")
        hit = box(0, top - 2, WIDE, _ROW - 2, "rs-hit", title)
        label = text(0, top + _ROW / 2, cut(name, 16), kind="rs-name")
        value = text(WIDE, top + _ROW / 2, say("{n} s", n=f"{medians[name]:.1f}"), anchor="end", kind="rs-value")
        yield linked(browse_link(reviewer=name), title, hit, label, drawn, value)
    yield text(_LEFT, 18 + _ROW * len(people), say("first verdict"), kind="rs-tick")
    yield text(
        _LEFT + wide, 18 + _ROW * len(people), say("verdict {n}", n=f"{longest:,}"), anchor="end", kind="rs-tick"
    )


def _cells(analysis: Analysis, names: Sequence[str], side: float) -> Iterator[Markup]:
    known = {frozenset((two.first, two.second)): two.raw for two in analysis.agreement.pairs}
    for row, first in enumerate(names):
        y = 20 + side * row
        yield text(0, y + side / 2 + 4, cut(first, 16), kind="rs-name")
        yield text(_LEFT + side * (row + 0.5), 14, cut(first, max(2, int(side / 8))), anchor="middle", kind="rs-tick")
        for column, second in enumerate(names):
            x, raw = _LEFT + side * column, known.get(frozenset((first, second)))
            if first == second or raw is None or raw.value is None:
                yield box(x + 1, y + 1, side - 2, side - 2, "rs-cell-none")
                continue
            title = f"{first}, {second}: {percent(raw.value)}, n={raw.n}"
            cell = Markup('<g class="rs-cell" style="--rs-share:{:.3f}">{}</g>').format(
                raw.value, box(x + 1, y + 1, side - 2, side - 2, "rs-cell-fill", title)
            )
            yield cell
            if side >= 30:
                yield text(x + side / 2, y + side / 2 + 4, f"{raw.value:.0%}", anchor="middle", kind="rs-cell-text")
