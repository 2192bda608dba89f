"""Pictures of all prompts: verdicts per prompt, and answer lengths against verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from eval.evidence.analysis import Analysis
from eval.records import Outcome
from eval.report.pages.browse import LENGTHS
from eval.report.pages.drawing import WIDE, Link, Picture, box, dot, line, linked, path, percent, svg, text
from eval.report.pages.query import Query, browse_link
from eval.report.pages.snapshot import Entry, Snapshot
from eval.report.pages.words import Words

#: From the bottom of a column to its top.
_STACK: tuple[Outcome, ...] = ("tuned", "tie", "both_bad", "base")
WORDS = {"tuned": "Tuned is better", "tie": "Tie", "both_bad": "Both bad", "base": "Base is better"}
_COLUMNS, _HIGH = 140, 150.0
#: So many single prompts are drawn beside the bins.
_DOTS = 400
_LEFT, _RIGHT, _TOP = 40.0, 12.0, 8.0
#: The ends of the axis of lengths: an eighth, and eight times, as long.
_FURTHEST = 3.0


@dataclass(frozen=True)
class Column:
    """Some prompts that stand beside each other: the first and the last of them, and the verdicts on all."""

    first: str
    last: str
    prompts: int
    counts: Counter[str]


def strip(snapshot: Snapshot, say: Words) -> Picture | None:
    """Prompts from the one that base won most clearly to the one that tuned did. None where nobody judged."""
    columns = snapshot.once("strip", lambda: _columns_of(snapshot.entries))
    if not columns:
        return None
    title, judged = say("Verdicts, prompt by prompt"), sum(one.prompts for one in columns)
    total = sum((one.counts for one in columns), Counter[str]())
    spoken = f"{title}: " + ", ".join(f"{say(WORDS[one])} {total[one]:,}" for one in _STACK)
    each = (
        say("Each column is one prompt.")
        if len(columns) == judged
        else say("Each column is about {n} prompts.", n=f"{judged / len(columns):.0f}")
    )
    return Picture(
        key="prompts",
        title=title,
        svg=svg(_HIGH + 24, _drawn(columns, say), spoken),
        spoken=spoken,
        head=(say("Prompts"), *(say(WORDS[one]) for one in _STACK)),
        rows=tuple(map(_counted, columns)),
        note=each + say.gap + say("Base's clearest wins are on the left, the tuned model's on the right."),
        legend=tuple((f"rs-fill-{one}", say(WORDS[one])) for one in _STACK),
    )


def lengths(snapshot: Snapshot, analysis: Analysis, say: Words) -> Picture | None:
    """Win rate in five bins of length, and single prompts. None where no prompt has a score."""
    scored = [entry for entry in snapshot.entries if entry.score is not None and entry.ratio is not None]
    if not scored:
        return None
    bins = analysis.bias.length.bins
    title = say("Length against outcome")
    named = [(say(one.label), one) for one in bins]
    spoken = f"{title}: " + "; ".join(
        say(
            "tuned {label}: win rate {rate}, {n} prompts",
            label=label,
            rate=percent(one.win_rate.value),
            n=f"{one.win_rate.n:,}",
        )
        for label, one in named
        if one.win_rate.value is not None
    )
    equal = analysis.bias.length.controlled
    note = say("Lengths differ too much on one side for a figure at equal length.")
    if equal.value is not None:
        note = say("At equal length the win rate would be {rate}.", rate=percent(equal.value))
    return Picture(
        key="length",
        title=title,
        svg=svg(_TOP + 190 + 36, _scatter(scored, analysis, say), spoken),
        spoken=spoken,
        head=(say("The tuned answer is"), say("Win rate"), say("95% interval"), "n"),
        rows=tuple(
            (
                Link(label, browse_link(length=which) if one.win_rate.n else ""),
                "–" if one.win_rate.value is None else percent(one.win_rate.value),
                "–"
                if one.win_rate.low is None or one.win_rate.high is None
                else f"{percent(one.win_rate.low)} – {percent(one.win_rate.high)}",
                f"{one.win_rate.n:,}",
            )
            for (label, one), which in zip(named, LENGTHS, strict=True)
        ),
        note=note,
        legend=(("rs-fill-few", say("one prompt")), ("rs-fill-tuned", say("bin with its 95% interval"))),
    )


def _order(entry: Entry) -> tuple[float, int]:
    return (0.5 if entry.score is None else entry.score), entry.number


def _edges(n: int) -> Iterator[tuple[int, int]]:
    edges = np.unique(np.linspace(0, n, min(n, _COLUMNS) + 1).round().astype(np.intp)).tolist()
    return pairwise(edges)


def _columns_of(entries: Sequence[Entry]) -> list[Column]:
    judged = sorted((one for one in entries if one.verdicts), key=_order)
    return [_column(judged[int(a) : int(b)]) for a, b in _edges(len(judged))] if judged else []


def _column(group: Sequence[Entry]) -> Column:
    counts = Counter[str](verdict.outcome for entry in group for verdict in entry.verdicts)
    return Column(group[0].prompt.id, group[-1].prompt.id, len(group), counts)


def _counted(one: Column) -> tuple[Link | str, ...]:
    alone = one.prompts == 1
    name = Link(one.first, Query(item=one.first, view="browse").href()) if alone else f"{one.first} … {one.last}"
    return name, *(f"{one.counts[outcome]:,}" for outcome in _STACK)


def _drawn(columns: Sequence[Column], say: Words) -> Iterator[Markup]:
    step = min(24.0, WIDE / len(columns))
    for number, column in enumerate(columns):
        counts, y = column.counts, 2 + _HIGH
        total = counts.total()
        title = f"{column.first}: " + ", ".join(f"{say(WORDS[one])} {counts[one]}" for one in _STACK if counts[one])
        parts = []
        for one in _STACK:
            high = _HIGH * counts[one] / total
            y -= high
            if high:
                parts.append(box(number * step, y, step - min(1.0, step / 4), high, f"rs-fill-{one}", title))
        href = Query(item=column.first, view="browse").href() if column.prompts == 1 else browse_link(sort="base")
        yield linked(href, title, *parts) if len(columns) <= 60 else Markup("").join(parts)
    yield text(0, _HIGH + 18, say("base won"), kind="rs-tick")
    yield text(step * len(columns), _HIGH + 18, say("tuned won"), anchor="end", kind="rs-tick")


def _scatter(scored: Sequence[Entry], analysis: Analysis, say: Words) -> Iterator[Markup]:
    wide, high = WIDE - _LEFT - _RIGHT, 190.0

    def x(ratio: float) -> float:
        return float(_LEFT + wide * (np.clip(np.log2(ratio), -_FURTHEST, _FURTHEST) + _FURTHEST) / (2 * _FURTHEST))

    def y(share: float) -> float:
        return _TOP + high * (1 - share)

    for share in (0, 0.5, 1):
        yield line(_LEFT, y(share), WIDE - _RIGHT, y(share), "rs-line-null" if share == 0.5 else "rs-grid")
        yield text(_LEFT - 6, y(share) + 4, f"{share:.0%}", anchor="end", kind="rs-tick")
    yield line(x(1), _TOP, x(1), _TOP + high, "rs-grid")
    every = max(1, len(scored) // _DOTS)
    for number, entry in enumerate(scored[::every]):
        # Scores lie on a few values: they are spread a little, within the axes, and the same each time.
        spread = y(entry.score or 0.0) + (number * 7 % 13 - 6)
        yield dot(x(entry.ratio or 1.0), min(max(spread, _TOP + 2), _TOP + high - 2), 2.2, "rs-one")
    yield from _bins(analysis, say, x, y)
    for ratio, title in ((0.125, "1/8"), (0.25, "1/4"), (0.5, "1/2"), (1, "1"), (2, "2"), (4, "4"), (8, "8")):
        yield text(x(ratio), _TOP + high + 18, title, anchor="middle", kind="rs-tick")
    yield text(
        _LEFT + wide / 2,
        _TOP + high + 34,
        say("length of the tuned answer over the base's"),
        anchor="middle",
        kind="rs-tick",
    )


def _bins(analysis: Analysis, say: Words, x: Callable[[float], float], y: Callable[[float], float]) -> Iterator[Markup]:
    middles = []
    for one, which in zip(analysis.bias.length.bins, LENGTHS, strict=True):
        rate = one.win_rate
        if rate.value is None:
            continue
        low, high = max(one.low, 0.25), min(one.high, 4.0)
        at = x(1.0 if which == "same" else (low * high) ** 0.5)
        title = f"{say(one.label)}: {percent(rate.value)}, n={rate.n}"
        parts = [dot(at, y(rate.value), 6, "rs-fill-tuned rs-ringed", title)]
        if rate.low is not None and rate.high is not None:
            parts.insert(0, line(at, y(rate.low), at, y(rate.high), "rs-whisker"))
        middles.append((at, y(rate.value)))
        yield linked(browse_link(length=which), title, box(at - 14, y(1), 28, y(0) - y(1), "rs-hit", title), *parts)
    if len(middles) > 1:
        yield path(middles, "rs-line-tuned rs-thin")
