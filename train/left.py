"""What a training left, written down as soon as it ended: if what comes after it fails, the same command goes on."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from train.artifact import Sha256
from train.export.sharded import files
from train.files import sha256_files, write_atomic


class Left(BaseModel):
    """A training that ended, of which no finished model was made yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: As in the artifact: of all that decided the outcome.
    inputs_sha256: Sha256
    #: Axolotl's output folder, and the hash of the weights (or of the adapter) in it.
    output: Path
    weights_sha256: Sha256
    metrics: dict[str, float]
    versions: dict[str, str]
    #: How the training went, in words (train.figures.words).
    outcome: tuple[str, ...] = ()


def record(work: Path, name: str) -> Path:
    return work / f"{name}.trained.json"


def keep(path: Path, left: Left) -> None:
    write_atomic(path, left.model_dump_json(indent=2) + "\n")


def find(path: Path, inputs: str) -> Left | None:
    """The training that these very inputs made, if its weights still lie there as it left them."""
    try:
        found = Left.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    if found.inputs_sha256 != inputs or not (left := files(found.output)):
        return None
    return found if sha256_files(left) == found.weights_sha256 else None
