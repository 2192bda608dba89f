"""SVG: a few shapes with escaped texts. Colours are classes of the page's style sheet.

All are `WIDE` units wide, about as many pixels as a column of the page has, so that text keeps its size.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

WIDE = 420
_WIDE_CHARACTERS = "WF"


@dataclass(frozen=True)
class Link:
    """A cell of a table, or a mark of a picture, that leads somewhere."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class Picture:
    """A drawing with its heading, what a screen reader says of it, and its table: every number that is drawn."""

    key: str
    title: str
    svg: Markup
    spoken: str
    head: tuple[str, ...]
    rows: tuple[tuple[Link | str, ...], ...]
    note: str = ""
    #: (class of the colour, words) of what is not said in the drawing itself.
    legend: tuple[tuple[str, str], ...] = field(default=())


def svg(height: float, parts: Iterable[Markup], spoken: str) -> Markup:
    """A drawing; links in it can be reached, so it is a group and no image."""
    return Markup('<svg class="rs-svg" viewBox="0 0 {} {}" role="group" aria-label="{}">{}</svg>').format(
        WIDE, round(height), spoken, Markup("").join(parts)
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}</text>').format(x, y, anchor, kind, words)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(x1, y1, x2, y2, kind)


def box(x: float, y: float, wide: float, high: float, kind: str, title: str = "", *, round_: float = 0) -> Markup:
    shape = Markup('<rect x="{:.2f}" y="{:.1f}" width="{:.2f}" height="{:.1f}" rx="{}" class="{}"').format(
        x, y, max(0.0, wide), high, round_, kind
    )
    return _titled(shape, "rect", title)


def dot(x: float, y: float, radius: float, kind: str, title: str = "") -> Markup:
    return _titled(
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="{}" class="{}"').format(x, y, radius, kind), "circle", title
    )


def path(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    return Markup('<polyline points="{}" class="{}"/>').format(" ".join(f"{x:.1f},{y:.1f}" for x, y in points), kind)


def area(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    return Markup('<polygon points="{}" class="{}"/>').format(" ".join(f"{x:.1f},{y:.1f}" for x, y in points), kind)


def linked(href: str, title: str, *parts: Markup) -> Markup:
    """Parts that lead somewhere, where there is somewhere to lead to."""
    inner = Markup("").join(parts)
    return Markup('<a href="{}" aria-label="{}">{}</a>').format(href, title, inner) if href else inner


def cut(words: str, width: int) -> str:
    """At most so many columns of text, a Chinese character taking two."""
    line_ = " ".join(words.split())
    taken = 0
    for at, char in enumerate(line_):
        taken += 2 if unicodedata.east_asian_width(char) in _WIDE_CHARACTERS else 1
        if taken > width:
            return line_[: max(1, at - 1)] + "…"
    return line_


def percent(share: float) -> str:
    return f"{share:.1%}"


def _titled(shape: Markup, name: str, title: str) -> Markup:
    if not title:
        return shape + Markup("/>")
    return shape + Markup("><title>{}</title></{}>").format(title, name)
