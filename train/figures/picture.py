"""training.svg: loss, rewards, margin and accuracy over the steps, for training and held-out pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from operator import attrgetter

from train.figures.outcome import accuracy
from train.figures.protocol import Figures, Row

_WIDE, _HIGH, _LEFT, _TOP, _GAP = 300, 140, 56, 48, 70
#: Title, and what is drawn: name in the legend, field, pairs.
_PANELS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("Loss", (("training", "loss", "training"), ("held out", "loss", "held out"))),
    ("Rewards", (("chosen", "rewards_chosen", "training"), ("rejected", "rewards_rejected", "training"))),
    ("Margin", (("training", "margin", "training"), ("held out", "margin", "held out"))),
    ("Accuracy", (("training", "accuracy", "training"), ("held out", "accuracy", "held out"))),
)
#: Told apart without colour too: the second one is dashed.
_INKS = ("#0b62a4", "#b34700")
#: So many points are marked; held-out pairs are scored twice.
_FEW = 6

Point = tuple[float, float]


def svg(figures: Figures, title: str) -> str:
    """The picture as text, four panels; empty where nothing was logged."""
    if not figures.training:
        return ""
    width, height = 2 * (_WIDE + _LEFT) + 40, _TOP + 2 * (_HIGH + _GAP) - 20
    panels = "".join(_placed(place, _panel(name, lines, figures)) for place, (name, lines) in enumerate(_PANELS))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img"><title>{escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="#fff"/><text x="{_LEFT}" y="24" font-size="15" fill="#111">'
        f"{escape(title)}</text>{panels}</svg>\n"
    )


def _placed(place: int, parts: Iterator[str]) -> str:
    right, down = _LEFT + place % 2 * (_WIDE + _LEFT + 20), _TOP + 20 + place // 2 * (_HIGH + _GAP)
    return f'<g transform="translate({right},{down})">{"".join(parts)}</g>'


def _panel(title: str, lines: Sequence[tuple[str, str, str]], figures: Figures) -> Iterator[str]:
    drawn = [(name, _points(figures.rows, field, pairs)) for name, field, pairs in lines]
    everything = [point for _, points in drawn for point in points]
    yield f'<text x="0" y="-8" fill="#111" font-weight="bold">{title}</text>'
    yield f'<rect width="{_WIDE}" height="{_HIGH}" fill="none" stroke="#999"/>'
    if not everything:
        return
    last = max(row.step for row in figures.rows) or 1
    low, high = _range([y for _, y in everything], title)
    for value, y in ((high, 4), (low, _HIGH)):
        yield f'<text x="-6" y="{y}" fill="#444" text-anchor="end">{value:.2g}</text>'
    yield f'<text x="{_WIDE}" y="{_HIGH + 16}" fill="#444" text-anchor="end">step {last}</text>'
    for place, (name, points) in enumerate(drawn):
        if points:
            at = [(x / last * _WIDE, _HIGH - (y - low) / (high - low) * _HIGH) for x, y in points]
            yield from _line(at, name, place)


def _line(points: Sequence[Point], name: str, place: int) -> Iterator[str]:
    path, ink = " ".join(f"{x:.1f},{y:.1f}" for x, y in points), _INKS[place]
    dash = ' stroke-dasharray="5 3"' if place else ""
    yield f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="1.8"{dash}/>'
    if len(points) <= _FEW:
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{ink}"/>' for x, y in points)
    yield f'<text x="{place * 90}" y="{_HIGH + 16}" fill="{ink}">{"- -" if place else "—"} {name}</text>'


def _points(rows: Sequence[Row], field: str, pairs: str) -> list[Point]:
    read = accuracy if field == "accuracy" else attrgetter(field)
    found = [(float(row.step), float(read(row))) for row in rows if row.pairs == pairs]
    return [point for point in found if math.isfinite(point[1])]


def _range(values: Sequence[float], title: str) -> Point:
    """From lowest to highest; all of a share."""
    if title == "Accuracy":
        return 0.0, 1.0
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
