"""One training job: the recipe, where its model goes, and the hash of everything that decides the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from train import earlier_training
from train.artifact import NAME
from train.container import container
from train.container.image import image_name
from train.data import data_hashes, is_local
from train.files import sha256_file, sha256_files, sha256_json
from train.launch import ROOT, asked_launch
from train.progress import Progress
from train.recipe import Recipe, read_recipe
from train.resources.machine import versions
from train.resources.sharding import deepspeed_file

_OF_A_MODEL = (".json", ".jinja", ".safetensors")
Measure = Callable[[Path], dict[str, float]]


@dataclass(frozen=True)
class Job:
    """A recipe, and where its model goes."""

    recipe: Recipe
    name: str
    models: Path
    work: Path
    env: Path
    #: What stands for the base in `inputs_sha256`; the base's own weights where it is None.
    base_key: str | None = None
    prompts: Path | None = None
    #: Figures on held-out questions, from the exported folder.
    measure: Measure | None = None
    #: The progress line.
    progress: Callable[..., Progress] = Progress

    @property
    def target(self) -> Path:
        return self.models / self.name

    @property
    def log(self) -> Path:
        return self.work / "train.log"

    @property
    def record(self) -> Path:
        return earlier_training.record(self.work, self.name)

    @property
    def tokens(self) -> Path:
        """Where the plugin inside Axolotl writes what it found."""
        return (self.work / f"tokens-{self.name}.json").absolute()

    @property
    def figures(self) -> Path:
        """Where it writes what the trainer logs."""
        return (self.work / f"figures-{self.name}.jsonl").absolute()

    @property
    def offline(self) -> bool:
        """Where base and data are local, no network is needed."""
        local = all(is_local(asked) for asked in self.recipe.datasets)
        return local and (ROOT / self.recipe.base_model).is_dir()


def inputs_hash(job: Job) -> str:
    """Of all that decides the outcome: what the recipe says, data, base and versions."""
    return sha256_json(
        {
            "recipe": read_recipe(job.recipe.path).config,
            "data": sorted(data_hashes(job.recipe).values()),
            "base": job.base_key or _base_key(job),
            "versions": _decisive_versions(job),
            **_of_several(job.recipe),
        }
    )


def _of_several(recipe: Recipe) -> dict[str, Any]:
    """What several processes add: how many there are decides the global batch. DeepSpeed's file is part of a recipe."""
    world, given = asked_launch(recipe.path).world, recipe.config.get("deepspeed")
    file = deepspeed_file(given) if isinstance(given, str) else None
    return ({"processes": world} if world > 1 else {}) | ({} if file is None else {"deepspeed": sha256_file(file)})


def _decisive_versions(job: Job) -> dict[str, str]:
    """Those that tell one training from another; the image's packages go by its name, so that nothing is pulled."""
    if container.container_wanted(job.recipe):
        return {"image": image_name(), "blindside": metadata.version("blindside")}
    return versions(job.env)


def _base_key(job: Job) -> str:
    folder = ROOT / job.recipe.base_model
    if folder.is_dir():
        return sha256_files(path for path in folder.iterdir() if path.suffix in _OF_A_MODEL and path.name != NAME)
    return f"{job.recipe.base_model}@{job.recipe.config.get('revision_of_model') or 'main'}"
