"""The trainings of a sweep: each candidate is a recipe of its own, derived from the base recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from train.artifact import Artifact
from train.data import Say
from train.figures.outcome import accuracy
from train.figures.protocol import Figures, read_figures
from train.job import Job
from train.pipeline import make_model
from train.progress import Progress
from train.recipe import Recipe, find_recipe, read_recipe
from train.resources.machine import locked
from train.sweep.grid import Changes
from train.tiny.make import DPO, placed, train_base
from train.tiny.world import PROMPTS


@dataclass(frozen=True)
class Trainings:
    """Where the trainings of a sweep lie. `recipes`: the folder in which each candidate's own recipe is written."""

    recipe: Path
    models: Path
    env: Path
    recipes: Path

    @property
    def is_tiny(self) -> bool:
        return self.recipe.resolve() == DPO.resolve()

    def figures(self, name: str) -> Path:
        """What the trainer of a candidate logs, while it trains."""
        return self.models / f"{name}.work" / f"figures-{name}.jsonl"


def trainings(recipe: str, models: Path, env: Path, recipes: Path) -> Trainings:
    """Raises RecipeError where there is no such recipe."""
    path = find_recipe(recipe)
    read_recipe(path)
    return Trainings(path, models, env, recipes)


def train_base_of(asked: Trainings, say: Say) -> None:
    """Make the base and the pairs of the tiny recipe; any other recipe names what is there. Raises TrainError."""
    if asked.is_tiny:
        work = asked.models / f"{asked.recipe.stem}.work"
        with locked(work / "lock"):
            train_base(asked.models, asked.env, work, force=False, say=say)


def train_candidate(
    asked: Trainings, name: str, changes: Changes, say: Say, progress: Callable[..., Progress] = Progress
) -> Artifact:
    """Train `models`/<name>, unless these inputs made it already. Raises TrainError."""
    work = asked.models / f"{name}.work"
    with locked(work / "lock"):
        recipe = write_recipe(asked, name, changes, work)
        job = Job(
            recipe, name, asked.models, work, asked.env, prompts=PROMPTS if asked.is_tiny else None, progress=progress
        )
        return make_model(job, force=False, say=say)[0]


def write_recipe(asked: Trainings, name: str, changes: Changes, work: Path) -> Recipe:
    """The recipe of a candidate, whole, where anybody can read it and train it again."""
    base = placed(asked.recipe, asked.models, work) if asked.is_tiny else read_recipe(asked.recipe)
    output = str(work.absolute() / "output") if asked.is_tiny else f"{base.output_dir}-{name}"
    return base.derive(asked.recipes / f"{name}.yml", **changes, output_dir=output)


def last_figures(path: Path) -> dict[str, float]:
    """How a training went until now: of the held-out pairs where some were scored after a step, else of the last log
    line. Keys: held_out_accuracy, held_out_margin, held_out_logps_chosen, or the same with `training`; and step."""
    found: Figures = read_figures(path)
    held = [row for row in found.held if row.step > 0]
    rows, kind = (held, "held_out") if held else (found.training, "training")
    if not rows:
        return {}
    last = rows[-1]
    figures: Mapping[str, float] = {
        "accuracy": accuracy(last),
        "margin": last.margin,
        "logps_chosen": last.logps_chosen,
    }
    return {f"{kind}_{key}": value for key, value in figures.items() if isfinite(value)} | {"step": float(last.step)}
