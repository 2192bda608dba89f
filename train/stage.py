"""The training stage: a recipe in, a finished model folder out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from blindside import console
from train.artifact import Artifact
from train.errors import RecipeError
from train.job import Job
from train.launch import asked_launch
from train.next_round import Round, train_round
from train.pipeline import follow, make_model
from train.recipe import find_recipe, read_recipe
from train.resources.machine import locked
from train.tiny.make import DPO, train_tiny


def train(
    recipe: str,
    *,
    models: Path,
    env: Path,
    force: bool = False,
    say: Callable[[str], None] = console.say,
    pairs: Path | None = None,
    base: str = "",
) -> Artifact:
    """Train `recipe` (a name in train/recipes, or the path of a YAML file) to `models`/<its name>.

    `env` is the train environment, in which Axolotl runs. An unchanged recipe, data, base and versions are recognised
    and nothing is trained, but with `force`. What was interrupted continues with what is missing. "tiny" makes
    `models`/tiny-base too. `pairs` stands for the recipe's data sets and makes `models`/<its name>-<the file's>, from
    `base` where one is given. Raises TrainError.
    """
    path = find_recipe(recipe)
    if (nodes := asked_launch(path).nodes) > 1 and (pairs is not None or path.resolve() == DPO.resolve()):
        raise RecipeError(f"NODES={nodes} is for a recipe of its own: copy one, and write the pairs into it")
    if pairs is not None:
        return train_round(Round(path, pairs, base), models, env, force=force, say=say)
    if base:
        raise RecipeError("another base makes another model: give it with pairs, or write it into a recipe of your own")
    name = path.stem
    work = models / f"{name}.work"
    with locked(work / "lock"):
        if path.resolve() == DPO.resolve():
            return train_tiny(models, env, work, force=force, say=say)
        job = Job(read_recipe(path), name, models, work, env)
        return make_model(job, force=force, say=say)[0]


def join(
    recipe: str, *, models: Path, env: Path, force: bool = False, say: Callable[[str], None] = console.say
) -> bool:
    """Train as a further machine of several, with a work folder of its own; no model is left here.

    False where this machine is the first, or the only one: there `train` is called. Raises TrainError.
    """
    path = find_recipe(recipe)
    asked = asked_launch(path)
    if asked.leads:
        return False
    work = models / f"{path.stem}.machine{asked.rank}.work"
    with locked(work / "lock"):
        follow(Job(read_recipe(path), path.stem, models, work, env), force=force, say=say)
    return True
