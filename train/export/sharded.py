"""Finds sharded weights of a training on several GPUs, and gathers them into files.

FSDP with `state_dict_type: SHARDED_STATE_DICT` leaves a checkpoint of PyTorch's, which `axolotl
merge-sharded-fsdp-weights` reads too; DeepSpeed one that its own converter makes universal: a file for each parameter.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from train.errors import ExportError
from train.export.weights import weight_files

FSDP, LATEST, UNIVERSAL, PARAMETERS = "pytorch_model_fsdp_0", "latest", "universal", "zero"


@dataclass(frozen=True)
class Shards:
    """`folder` holds them; `output` the model's other files."""

    kind: Literal["fsdp", "zero"]
    folder: Path
    output: Path


def find(output: Path) -> Shards | None:
    """What Axolotl's output folder holds in place of safetensors; None where these are there, or nothing is.

    Raises ExportError for DeepSpeed's own shards, which its converter must make universal first.
    """
    if any(output.glob("model*.safetensors")):
        return None
    for place in (output, *_checkpoints(output)):
        if (place / FSDP / ".metadata").is_file():
            return Shards("fsdp", place / FSDP, output)
        if (place / UNIVERSAL / PARAMETERS).is_dir():
            return Shards("zero", place / UNIVERSAL / PARAMETERS, output)
        if (place / LATEST).is_file():
            step = place / (place / LATEST).read_text(encoding="utf-8").strip()
            raise ExportError(
                f"{place} holds DeepSpeed's shards: run `python -m deepspeed.checkpoint.ds_to_universal --input_folder "
                f"{step} --output_folder {place / UNIVERSAL}` where Axolotl runs, then the same command again",
                field="weights",
            )
    return None


def _checkpoints(output: Path) -> list[Path]:
    """The trainer's checkpoints, the newest first."""
    found = [path for path in output.glob("checkpoint-*") if path.name.partition("-")[2].isdigit()]
    return sorted(found, key=lambda path: -int(path.name.partition("-")[2]))


def files(output: Path) -> list[Path]:
    """The weights that a training left, whole or in shards; none where there are none."""
    whole = sorted(output.glob("*.safetensors"))
    places = [folder for folder in (output, *_checkpoints(output)) if _has_shards(folder)]
    if whole or not places:
        return whole
    found = [path for path in sorted(places[0].rglob("*")) if path.is_file()]
    return [path for path in found if UNIVERSAL not in path.relative_to(places[0]).parts]  # which is made of them later


def _has_shards(folder: Path) -> bool:
    return (folder / FSDP).is_dir() or (folder / LATEST).is_file()


def command(shards: Shards, python: Path, base: Path, target: Path) -> list[str]:
    """What gathers them in `target`, in bounded memory: a process of the train environment."""
    words = [shards.kind, str(shards.folder), str(base.absolute()), str(target.absolute())]
    return [str(python.absolute()), "-m", "train.export.gather", *words]


def complete(shards: Shards, target: Path) -> Path:
    """Put the model's other files beside its gathered weights. Returns `target`. Raises ExportError."""
    weight_files(target)
    for path in [*shards.output.glob("*.json"), *shards.output.glob("*.jinja")]:
        if not path.name.endswith(".index.json"):
            shutil.copyfile(path, target / path.name)
    return target
