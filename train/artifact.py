"""blindside.json: the provenance of a finished model folder. Written last; its presence means complete."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blindside.validation import first_problem
from train.errors import ArtifactError
from train.files import sha256_file, sha256_files, sha256_json, write_atomic
from train.token_check import TrainedTokens

NAME = "blindside.json"
#: What a server reads beside weights, tokenizer and template: the rope, the scaling, the tokens that end an answer.
SETTINGS = ("config.json", "generation_config.json")
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Base(BaseModel):
    """The model that training started from: a folder or a Hub id, and what pins it down."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    #: The commit of a Hub model; None for a folder.
    revision: str | None = None
    #: As `weights_sha256` of the artifact; None where the weights were not on this disk.
    weights_sha256: Sha256 | None = None


class Artifact(BaseModel):
    """Provenance of one model folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    base: Base
    recipe: str
    recipe_sha256: Sha256
    #: Of each data set that the recipe names, by the recipe's own path.
    data_sha256: dict[str, str]
    weights_sha256: Sha256
    template_sha256: Sha256
    tokenizer_sha256: Sha256
    #: Of the SETTINGS; None in an artifact of an earlier version.
    config_sha256: Sha256 | None = None
    generation_config_sha256: Sha256 | None = None
    #: Of the exporter that wrote the folder (train.export.export.rules); None in an artifact of an earlier version.
    export_rules: Sha256 | None = None
    #: Of axolotl, transformers, trl, torch and blindside.
    versions: dict[str, str]
    #: Of the training (train_loss, train_runtime in seconds, rewards/…) and on held-out questions (heldout_…).
    metrics: dict[str, float]
    #: What was trained held against what is served; None where that was not compared (SFT, or an older blindside).
    tokens: TrainedTokens | None = None
    #: How the training went, in words; empty where nothing was logged of it.
    outcome: tuple[str, ...] = ()
    #: The evaluation prompts that belong to this model, where there are some.
    prompts: str | None = None
    created_at: str
    #: Of all that decided the outcome: the same hash again means nothing to train.
    inputs_sha256: Sha256


def utc_seconds() -> str:
    """Now, in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def weights(folder: Path) -> list[Path]:
    """The safetensors files of a model folder, by name."""
    return sorted(folder.glob("*.safetensors"))


def hash_weights(folder: Path) -> str:
    """Hex sha256 over the names and contents of all safetensors files of `folder`."""
    return sha256_files(weights(folder))


def hash_setting(folder: Path, name: str) -> str:
    """Hex sha256 of a file like the SETTINGS; of nothing where `folder` has no such file."""
    path = folder / name
    return sha256_file(path) if path.exists() else sha256_json(None)


def hash_exported(folder: Path) -> dict[str, str]:
    """By the Artifact's names, the hashes of what the export wrote beside the weights."""
    named = {"template": "chat_template.jinja", "tokenizer": "tokenizer.json", "config": SETTINGS[0]}
    named["generation_config"] = SETTINGS[1]
    return {f"{key}_sha256": hash_setting(folder, name) for key, name in named.items()}


def write_artifact(folder: Path, artifact: Artifact) -> None:
    """Mark `folder` as complete. Everything else in it must be on disk already."""
    write_atomic(folder / NAME, artifact.model_dump_json(indent=2) + "\n")


def read_artifact(folder: Path) -> Artifact:
    """Raise ArtifactError when the folder is not a finished model."""
    path = folder / NAME
    try:
        return Artifact.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ArtifactError(
            f"{folder} is not a finished model (it has no {NAME}); run `make train` to make it"
        ) from None
    except ValidationError as error:
        problem = f"{path}: {first_problem(error, whole='the file')}; delete {folder} and train again"
        raise ArtifactError(problem) from None


def verify(folder: Path) -> None:
    """Raise ArtifactError when weights or SETTINGS are not those that blindside.json was written for."""
    artifact = read_artifact(folder)
    written = artifact.weights_sha256
    found = hash_weights(folder)
    if found != written:
        raise ArtifactError(
            f"the weights in {folder} changed after they were trained ({found[:12]}…, {NAME} says "
            f"{written[:12]}…); delete the folder and train again"
        )
    for name, then in zip(SETTINGS, (artifact.config_sha256, artifact.generation_config_sha256), strict=True):
        if then is not None and hash_setting(folder, name) != then:
            raise ArtifactError(
                f"{folder / name} changed after it was exported; restore the file, or delete the folder and train again"
            )
