"""Paired bars, base and tuned: tags, criteria, traits of answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from eval.evidence.estimates.winrate import Estimate
from eval.records import SIDES
from eval.report.pages.drawing import WIDE, Link, Picture, box, cut, line, linked, svg, text
from eval.report.pages.words import Words

_LEFT, _RIGHT, _BAR, _GAP = 150.0, 52.0, 13.0, 10.0


@dataclass(frozen=True)
class Bars:
    """One name with a value a side, `most` the end of its axis (1 for a share); `said` is the value in words."""

    label: str
    values: tuple[float | None, float | None]
    said: tuple[str, str]
    intervals: tuple[str, str]
    n: int
    hrefs: tuple[str, str] = ("", "")
    most: float = 1.0


def shares(label: str, base: Estimate, tuned: Estimate, hrefs: tuple[str, str] = ("", "")) -> Bars:
    """Bars of two shares."""
    both = (base, tuned)
    values, low_high = tuple(one.value for one in both), tuple(_interval(one) for one in both)
    said = tuple("–" if one.value is None else f"{one.value:.1%}" for one in both)
    leads = [href if value else "" for href, value in zip(hrefs, values, strict=True)]
    return Bars(
        label, (values[0], values[1]), (said[0], said[1]), (low_high[0], low_high[1]), base.n, (leads[0], leads[1])
    )


def paired(
    key: str,
    title: str,
    rows: Sequence[Bars],
    say: Words,
    *,
    of: str,
    note: str = "",
    names: tuple[str, str] = ("Base", "Tuned"),
) -> Picture | None:
    """None where no name has a value. `names` are those of the orange bar and of the blue one."""
    shown = [row for row in rows if any(value is not None for value in row.values)]
    if not shown:
        return None
    first, second = map(say, names)
    spoken = say(
        "{title}, {first} and {second}: {rows}",
        title=title,
        first=first,
        second=second,
        rows="; ".join(f"{row.label} {row.said[0]}, {row.said[1]}" for row in shown[:16]),
    )
    return Picture(
        key=key,
        title=title,
        svg=svg(len(shown) * (2 * _BAR + _GAP) + 4, _drawn(shown, (first, second)), spoken),
        spoken=spoken,
        head=(of, first, say("95% interval"), second, say("95% interval"), "n"),
        rows=tuple(_cells(row) for row in shown),
        note=note,
        legend=(("rs-fill-base", first), ("rs-fill-tuned", second)),
    )


def _cells(row: Bars) -> tuple[Link | str, ...]:
    base, tuned = (Link(row.said[at], row.hrefs[at]) for at in (0, 1))
    return row.label, base, row.intervals[0], tuned, row.intervals[1], f"{row.n:,}"


def _drawn(rows: Sequence[Bars], names: tuple[str, str]) -> Iterator[Markup]:
    wide = WIDE - _LEFT - _RIGHT
    yield line(_LEFT, 0, _LEFT, len(rows) * (2 * _BAR + _GAP) - _GAP / 2, "rs-axis-line")
    for number, row in enumerate(rows):
        top = number * (2 * _BAR + _GAP) + 2
        yield text(0, top + _BAR + 4, cut(row.label, 23), kind="rs-name")
        for at, side in enumerate(SIDES):
            y, value = top + at * _BAR, row.values[at]
            share = 0.0 if value is None else min(1.0, value / row.most)
            title = f"{row.label}, {names[at]}: {row.said[at]}"
            bar = box(
                _LEFT, y + 0.5, max(share * wide, 1.5 if value else 0), _BAR - 1, f"rs-fill-{side}", title, round_=2
            )
            hit = box(_LEFT, y, wide + _RIGHT, _BAR, "rs-hit", title)
            yield linked(row.hrefs[at], title, hit, bar)
            yield text(WIDE, y + _BAR - 2.5, row.said[at], anchor="end", kind="rs-small-value")


def _interval(estimate: Estimate) -> str:
    return "–" if estimate.low is None or estimate.high is None else f"{estimate.low:.1%} – {estimate.high:.1%}"
