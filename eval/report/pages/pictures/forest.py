"""Forest plots: shares with intervals on one axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from eval.evidence.estimates.metric import Metric
from eval.evidence.estimates.winrate import Estimate
from eval.report.pages.drawing import WIDE, Link, Picture, box, cut, dot, line, linked, svg, text
from eval.report.pages.words import Words

#: A share over fewer prompts than this is drawn grey: its interval spans half of the axis or more.
SMALL = 10
_LEFT, _RIGHT, _ROW, _TOP = 150.0, 52.0, 24.0, 22.0


@dataclass(frozen=True)
class Row:
    """One share; `href` leads to what it is made of, `more` are further cells of its table."""

    label: str
    estimate: Estimate
    href: str = ""
    more: tuple[str, ...] = ()
    kind: str = "tuned"

    @property
    def figure(self) -> Metric:
        return Metric.share(self.label, self.estimate)


def forest(
    key: str,
    title: str,
    rows: Sequence[Row],
    say: Words,
    *,
    of: str,
    unit: str = "prompt",
    null: float | None = 0.5,
    more: tuple[str, ...] = (),
    note: str = "",
) -> Picture | None:
    """None where there is nothing to draw. `of` heads the labels, `more` the further cells; `null` is dashed."""
    shown = [row for row in rows if row.estimate.value is not None]
    if not shown:
        return None
    spoken = say(
        "{title}, a row each: {rows}", title=title, rows="; ".join(_spoken(row, say, unit) for row in shown[:12])
    )
    return Picture(
        key=key,
        title=title,
        svg=svg(_TOP + _ROW * len(shown) + 8, _drawn(shown, null), spoken),
        spoken=spoken,
        head=(of, say("Share"), say("95% interval"), "n", *more),
        rows=tuple(_cells(row, say) for row in rows),
        note=note,
    )


def _cells(row: Row, say: Words) -> tuple[Link | str, ...]:
    figure = row.figure
    return (
        Link(row.label, row.href),
        say.sentence(figure.said),
        say.sentence(figure.interval),
        f"{figure.n:,}",
        *row.more,
    )


def _spoken(row: Row, say: Words, unit: str) -> str:
    figure = row.figure
    return f"{row.label}: {figure.said} ({say.sentence(figure.interval)}), {say.count(figure.n, unit)}"


def _drawn(rows: Sequence[Row], null: float | None) -> Iterator[Markup]:
    wide = WIDE - _LEFT - _RIGHT
    bottom = _TOP + _ROW * len(rows)
    for share in (0, 0.5, 1):
        x = _LEFT + wide * share
        yield line(x, _TOP - 4, x, bottom, "rs-grid")
        yield text(x, _TOP - 9, f"{share:.0%}", anchor="middle", kind="rs-tick")
    if null is not None:
        yield line(_LEFT + wide * null, _TOP - 4, _LEFT + wide * null, bottom, "rs-line-null")
    for number, row in enumerate(rows):
        yield from _one(row, _TOP + _ROW * (number + 0.5), wide)


def _one(row: Row, y: float, wide: float) -> Iterator[Markup]:
    estimate, kind = row.estimate, "few" if row.estimate.n < SMALL else row.kind
    spoken = f"{row.label}: {row.figure.said}"
    parts = [box(0, y - _ROW / 2, WIDE, _ROW, "rs-hit", spoken), text(0, y + 4, cut(row.label, 23), kind="rs-name")]
    if estimate.low is not None and estimate.high is not None:
        parts.append(
            box(
                _LEFT + wide * estimate.low,
                y - 3.5,
                wide * (estimate.high - estimate.low),
                7,
                f"rs-range-{kind}",
                round_=3.5,
            )
        )
    parts.append(dot(_LEFT + wide * (estimate.value or 0.0), y, 5, f"rs-fill-{kind} rs-ringed"))
    parts.append(text(WIDE, y + 4, row.figure.said, anchor="end", kind="rs-value"))
    yield linked(row.href, spoken, *parts)
