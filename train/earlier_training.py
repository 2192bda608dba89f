"""What an earlier training left: a run with whole weights, or a model exported by another version."""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from train.artifact import Artifact, Sha256, hash_exported, write_artifact
from train.data import Say
from train.export.export import export, rules
from train.export.sharded import files
from train.files import sha256_files, write_atomic


class EarlierTraining(BaseModel):
    """A training that ended, of which no finished model was made yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: As in the artifact: of all that decided the outcome.
    inputs_sha256: Sha256
    #: Axolotl's output folder, and the hash of the weights (or of the adapter) in it.
    output: Path
    weights_sha256: Sha256
    metrics: dict[str, float]
    versions: dict[str, str]
    #: How the training went, in words (train.figures.outcome).
    outcome: tuple[str, ...] = ()


def record(work: Path, name: str) -> Path:
    return work / f"{name}.trained.json"


def keep(path: Path, left: EarlierTraining) -> None:
    write_atomic(path, left.model_dump_json(indent=2) + "\n")


def find(path: Path, inputs: str) -> EarlierTraining | None:
    """The training that these very inputs made, if its weights still lie there as it left them."""
    try:
        found = EarlierTraining.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    if found.inputs_sha256 != inputs or not (left := files(found.output)):
        return None
    return found if sha256_files(left) == found.weights_sha256 else None


def _before(target: Path) -> Path:
    return target.with_name(f".{target.name}.before")


def recover(target: Path) -> None:
    """Undo the first half of an exchange of folders that was killed in between."""
    if _before(target).exists() and not target.exists():
        _before(target).rename(target)
    shutil.rmtree(_before(target), ignore_errors=True)


def export_again(target: Path, base: Path, artifact: Artifact, say: Say) -> Artifact:
    """Export the model in `target` once more by today's rules; what was there stays until the new one is whole.

    Raises ExportError.
    """
    beside = target.with_name(f".{target.name}.again")
    export(target, base, beside, link=True)
    for path in target.iterdir():
        if path.is_file() and not (beside / path.name).exists():
            shutil.copyfile(path, beside / path.name)
    done = artifact.model_copy(update={**hash_exported(beside), "export_rules": rules()})
    write_artifact(beside, done)
    target.rename(_before(target))
    beside.rename(target)
    shutil.rmtree(_before(target))
    say(f"{target} was exported by another version: it is exported again from its weights")
    return done
