"""The recipe as Axolotl gets it: checked pairs, local folders, our plugin."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from train.data import PreparedData
from train.job import Job
from train.launch import ROOT
from train.recipe import Recipe
from train.resources.sharding import deepspeed_file
from train.tokens import stage as tokens


def derive(job: Job, prepared: PreparedData, output: Path) -> Recipe:
    """Write the recipe as Axolotl gets it to the work folder, with DeepSpeed's file where it names one."""
    changes = {
        "output_dir": str(output),
        "datasets": prepared.datasets,
        "dataset_prepared_path": str(prepared_path(job)),
        "tokenizer_save_jinja_files": False,
    }
    if prepared.held_out:
        changes["test_datasets"] = prepared.held_out
    given = job.recipe.config.get("deepspeed")
    file = deepspeed_file(given) if isinstance(given, str) else None
    if file is not None:
        changes["deepspeed"] = str(_copied(file, job.work))
    own = tokens.plugin_fields(job.recipe, job.tokens, job.figures)
    return job.recipe.derive(job.work / f"{job.name}.yml", **changes, **own)


def _copied(file: Path, work: Path) -> Path:
    """Beside the derived recipe, where a container sees it too; Axolotl reads the stage from the name."""
    work.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(file, work.absolute() / file.name))


def prepared_path(job: Job) -> Path:
    return (job.work / f"prepared-{job.name}").absolute()


def output_of(job: Job) -> Path:
    """The recipe's own, or one in the work folder where that cannot be made: /workspace is a rented machine's."""
    asked = (ROOT / job.recipe.output_dir).absolute()
    folder = next(parent for parent in (asked, *asked.parents) if parent.exists())
    return asked if os.access(folder, os.W_OK) else (job.work / "output").absolute()
