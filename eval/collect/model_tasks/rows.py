"""The rows of model_verdicts.csv and preferences.csv."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from eval.collect.csv_records import read_table
from eval.records import Row, Sha256, Side
from eval.run import Run

#: `none`: what the judge said was no verdict.
Label = Literal["base", "tuned", "tie", "both_bad", "none"]


class ModelVerdict(Row):
    """One row of model_verdicts.csv. `base_first`, `tuned_first`: what was said with that side's answer as A."""

    run: str
    item: str
    model: str
    base_first: Label
    tuned_first: Label
    outcome: Label
    base_sha256: Sha256
    tuned_sha256: Sha256

    @property
    def consistent(self) -> bool:
        """Whether both orders gave the same verdict."""
        return self.base_first == self.tuned_first != "none"


def verdicts_path(run: Run) -> Path:
    return run.folder / "model_verdicts.csv"


def read_model_verdicts(run: Run) -> list[ModelVerdict]:
    """What models judged; nothing where none was asked. Raises InputError naming file and line."""
    return read_table(verdicts_path(run), ModelVerdict)


class Preference(Row):
    """One row of preferences.csv: log-probabilities (natural logarithm) and lengths in tokens of both answers."""

    run: str
    pair: str
    side: Side
    chosen: float = Field(allow_inf_nan=False)
    rejected: float = Field(allow_inf_nan=False)
    chosen_tokens: int = Field(ge=1)
    rejected_tokens: int = Field(ge=1)


def preferences_path(run: Run) -> Path:
    return run.folder / "preferences.csv"


def read_preferences(run: Run) -> list[Preference]:
    """The rows of preferences.csv; none where nothing was scored. Raises InputError naming file and line."""
    return read_table(preferences_path(run), Preference)
