"""Training curves of a sweep: one picture per figure, one line per candidate."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from eval.report.pages.drawing import WIDE, Picture, dot, line, path, svg, text
from eval.report.pages.words import Words
from eval.run import Run

#: Column of training.csv (train.figures), and the title of its picture.
FIGURES = {"margin": "Margin in training", "accuracy": "Accuracy in training", "logps_chosen": "Chosen log-probability"}
#: So many lines differ in colour; all differ in their number.
COLOURS = 8
_LEFT, _RIGHT, _TOP, _HIGH = 40.0, 22.0, 12.0, 150.0

Points = Sequence[tuple[float, float]]


def curves(runs: Mapping[str, Run], say: Words) -> list[Picture]:
    """Of the runs whose training was kept; none where there is no such run. A dot is of held-out pairs."""
    rows = {name: _read(run.folder / "training.csv") for name, run in runs.items()}
    found = []
    for column, title in FIGURES.items():
        lines = {name: _points(own, column, "training") for name, own in rows.items()}
        held = {name: _points(own, column, "held out") for name, own in rows.items()}
        if any(lines.values()):
            found.append(_picture(column, say(title), lines, held, say))
    return found


def _picture(column: str, title: str, lines: Mapping[str, Points], held: Mapping[str, Points], say: Words) -> Picture:
    every = [point for points in (*lines.values(), *held.values()) for point in points]
    last = max(x for x, _ in every) or 1.0
    low, high = (0.0, 1.0) if column == "accuracy" else (min(y for _, y in every), max(y for _, y in every))
    high = high if high > low else low + 1
    wide = WIDE - _LEFT - _RIGHT

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return _LEFT + wide * point[0] / last, _TOP + _HIGH * (high - point[1]) / (high - low)

    def drawn() -> Iterator[Markup]:
        for value, y in ((high, _TOP), (low, _TOP + _HIGH)):
            yield line(_LEFT, y, WIDE - _RIGHT, y, "rs-grid")
            yield text(_LEFT - 5, y + 4, f"{value:.3g}", anchor="end", kind="rs-tick")
        yield text(WIDE - _RIGHT, _TOP + _HIGH + 16, say("step {n}", n=f"{last:,.0f}"), anchor="end", kind="rs-tick")
        for number, (name, points) in enumerate(lines.items(), start=1):
            if points:
                yield path([at(point) for point in points], _colour(number))
                yield text(at(points[-1])[0] + 4, at(points[-1])[1] + 4, str(number), kind="rs-tick")
            yield from (dot(*at(point), 3.5, f"{_colour(number)}-fill rs-ringed", name) for point in held[name])

    ends = {name: points[-1][1] for name, points in lines.items() if points}
    spoken = f"{title}: " + "; ".join(f"{name} {value:.3g}" for name, value in ends.items())
    return Picture(
        key=f"curve-{column}",
        title=title,
        svg=svg(_TOP + _HIGH + 24, drawn(), spoken),
        spoken=spoken,
        head=(say("Candidate"), say("first"), say("last"), say("held out")),
        rows=tuple((name, *_ends(points), *_ends(held[name])[1:]) for name, points in lines.items()),
        note=say("One scale for all; a dot is of pairs that were held out."),
        legend=tuple((_colour(number), f"{number} {name}") for number, name in enumerate(lines, start=1)),
    )


def _ends(points: Points) -> tuple[str, str]:
    return (f"{points[0][1]:.3g}", f"{points[-1][1]:.3g}") if points else ("", "")


def _colour(number: int) -> str:
    return f"rs-line-{(number - 1) % COLOURS + 1}"


def _read(path_: Path) -> list[dict[str, str]]:
    """The rows of a training.csv; none where there is none, or none that can be read."""
    try:
        with path_.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _points(rows: Sequence[Mapping[str, str]], column: str, pairs: str) -> Points:
    found = []
    for row in rows:
        try:
            point = float(row["step"]), float(row[column])
        except (KeyError, ValueError, TypeError):
            continue
        if row.get("pairs") == pairs and all(map(math.isfinite, point)):
            found.append(point)
    return found
