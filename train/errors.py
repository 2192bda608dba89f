"""The errors of the training stage.

TrainError                what a person can fix: one sentence with the remedy, exit status 1
├── RecipeError           a recipe is missing, is not YAML, or asks for what is not there (names the field)
├── PairsError            a line of the preference data cannot be trained on (names file and line)
├── LaunchError           Axolotl did not start, or failed; carries the end of its log
├── TokensError           the tokens of a pair would be trained on otherwise than they are served; nothing was trained
├── ExportError           the trained model cannot be served, or differs from its base in what must not differ
└── ArtifactError         a model folder is incomplete, or is not what its blindside.json says
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from blindside.errors import BlindsideError


class TrainError(BlindsideError):
    """The root of this stage."""

    lines = True


class RecipeError(TrainError):
    """A recipe cannot be used as it stands."""

    def __init__(self, problem: str, *, path: Path | str | None = None) -> None:
        super().__init__(problem if path is None else f"{path}: {problem}")
        self.path = path


class PairsError(TrainError):
    """A line of the training data cannot be used."""

    def __init__(self, problem: str, *, path: Path | str, line: int | None = None) -> None:
        super().__init__(f"{path}: {problem}" if line is None else f"{path}:{line}: {problem}")
        self.path = path
        self.line = line


class LaunchError(TrainError):
    """Axolotl failed. `tail` is the end of its log, the lines that mean something."""

    def __init__(self, problem: str, *, tail: Sequence[str] = (), log: Path | None = None) -> None:
        super().__init__(problem)
        self.excerpt = self.tail = tuple(tail)
        self.log = log


class TokensError(TrainError):
    """What TRL prepared differs from what is served; Axolotl was stopped before the first step."""


class ExportError(TrainError):
    """What Axolotl wrote cannot be served as it is; nothing was exported.

    `field` names what differs or is missing.
    """

    def __init__(self, problem: str, *, field: str) -> None:
        super().__init__(problem)
        self.field = field


class ArtifactError(TrainError):
    """A model folder has no blindside.json, or its files changed after that was written."""
