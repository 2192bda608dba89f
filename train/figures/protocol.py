"""Reads what the trainer logged: a row per log line of training, and of the held-out pairs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

#: The first line of the file: how many pairs are trained on, and how many are held out.
SIZES = "pairs"
#: Columns of training.csv and the trainer's names.
_NAMES = {
    "loss": "loss",
    "rewards_chosen": "rewards/chosen",
    "rewards_rejected": "rewards/rejected",
    "margin": "rewards/margins",
    "accuracy": "rewards/accuracies",
    "logps_chosen": "logps/chosen",
    "logps_rejected": "logps/rejected",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
}


@dataclass(frozen=True)
class Row:
    """Means over the pairs since the row before (of training), or over all held-out pairs; NaN where none was logged.

    Log-probabilities are of whole answers, in nats.
    """

    step: int
    epoch: float
    #: "training" or "held out".
    pairs: str
    loss: float = math.nan
    rewards_chosen: float = math.nan
    rewards_rejected: float = math.nan
    margin: float = math.nan
    #: The share of pairs whose chosen answer has the greater reward.
    accuracy: float = math.nan
    logps_chosen: float = math.nan
    logps_rejected: float = math.nan
    learning_rate: float = math.nan
    grad_norm: float = math.nan


@dataclass(frozen=True)
class Figures:
    """Of one training."""

    trained: int = 0
    held_out: int = 0
    rows: tuple[Row, ...] = field(default=())

    @property
    def training(self) -> list[Row]:
        return [row for row in self.rows if row.pairs == "training"]

    @property
    def held(self) -> list[Row]:
        return [row for row in self.rows if row.pairs == "held out"]

    def to_csv(self) -> str:
        """training.csv: a cell is empty where nothing was logged."""
        names = [one.name for one in fields(Row)]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        for row in self.rows:
            cells = (getattr(row, name) for name in names)
            writer.writerow(["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in cells])
        return out.getvalue()


def read_figures(path: Path) -> Figures:
    """Empty where the training logged nothing, as with an older Axolotl."""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (FileNotFoundError, ValueError):
        return Figures()
    sizes = lines[0].get(SIZES, [0, 0]) if lines else [0, 0]
    return Figures(sizes[0], sizes[1], tuple(row for line in lines[1:] for row in _rows(line)))


def _rows(line: Mapping[str, float]) -> Iterator[Row]:
    for prefix, pairs in (("", "training"), ("eval_", "held out")):
        if prefix + "loss" in line:
            found = {ours: _number(line.get(prefix + theirs)) for ours, theirs in _NAMES.items()}
            yield Row(int(line["step"]), _number(line.get("epoch")), pairs, **found)


def _number(value: float | str | None) -> float:
    try:
        return math.nan if value is None else float(value)
    except ValueError:
        return math.nan
