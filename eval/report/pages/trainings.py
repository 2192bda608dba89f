"""How the models were trained, from what their trainings left with the run: a picture and the numbers behind it."""

from __future__ import annotations

import csv
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.records import SIDES, Side
from eval.report.pages.words import Words
from eval.run import Run

#: Bytes of a picture: one of a long training has some ten thousand points.
_LARGEST = 1_000_000
#: So many log lines of a training are in the table; of the held-out pairs all.
_ROWS = 24
#: Columns of training.csv that are drawn, and what they are called.
COLUMNS = {
    "step": "Step",
    "epoch": "Epoch",
    "pairs": "Pairs",
    "loss": "Loss",
    "rewards_chosen": "Reward of the chosen",
    "rewards_rejected": "Reward of the rejected",
    "margin": "Margin",
    "accuracy": "Accuracy",
}


@dataclass(frozen=True)
class Training:
    """One model's; `image` is an address that holds the picture, `rows` its table by COLUMNS, if it left one."""

    side: Side
    image: str
    rows: tuple[tuple[str, ...], ...]


def trainings(run: Run, say: Words) -> tuple[Training, ...]:
    """Those that left a picture with the run: the base's round first."""
    there = zip(SIDES, (run.base_picture_path, run.picture_path), strict=True)
    return tuple(
        Training(side, _image(path), _rows(path.with_suffix(".csv"), say)) for side, path in there if _is_small(path)
    )


def _is_small(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= _LARGEST


def _image(path: Path) -> str:
    """As an address that holds an image, in which no script runs and nothing is loaded."""
    return f"data:image/svg+xml;base64,{b64encode(path.read_bytes()).decode()}"


def _rows(path: Path, say: Words) -> tuple[tuple[str, ...], ...]:
    """What is drawn, thinned out evenly to its last line."""
    if not _is_small(path):
        return ()
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        logged = [{name: row.get(name) or "" for name in COLUMNS} for row in csv.DictReader(file)]
    own = [at for at, row in enumerate(logged) if row["pairs"] != "held out"]
    kept = {*_spread(own), *(set(range(len(logged))) - set(own))}
    return tuple(tuple(say(_short(cell)) for cell in logged[at].values()) for at in sorted(kept))


def _spread(places: Sequence[int]) -> Sequence[int]:
    if len(places) <= _ROWS:
        return places
    return [places[round(k * (len(places) - 1) / (_ROWS - 1))] for k in range(_ROWS)]


def _short(cell: str) -> str:
    """A number with four digits; anything else as it is."""
    try:
        return f"{float(cell):.4g}"
    except ValueError:
        return cell
