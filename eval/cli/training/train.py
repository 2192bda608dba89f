"""`blindside train`: from a recipe to a servable model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blindside import console
from blindside.places import is_checkout
from eval.cli.options import MODELS, TRAIN_ENV, Models, Port, TrainEnv


def train(
    recipe: Annotated[str, typer.Argument(help="A name in train/recipes/, or the path of an Axolotl YAML.")] = "tiny",
    pairs: Annotated[
        Path | None, typer.Option(help="Train on this JSONL instead of the recipe's data; writes models/RECIPE-FILE.")
    ] = None,
    base: Annotated[
        str, typer.Option(help="With --pairs: start from this model, e.g. models/tiny, instead of the recipe's base.")
    ] = "",
    models: Models = MODELS,
    env: TrainEnv = TRAIN_ENV,
    force: Annotated[bool, typer.Option("--force", help="Train even if nothing changed.")] = False,
) -> None:
    """Train a model with Axolotl from a YAML recipe; an unchanged recipe, data set and base are not trained again.

    Example: `blindside train tiny`, and a second round: `blindside train tiny --pairs next.jsonl --base models/tiny`
    """
    from train.recipe import RECIPES
    from train.stage import join
    from train.stage import train as run_stage

    if not is_checkout():
        console.say(f"Models and working files go to {models.absolute()}; recipes are in {RECIPES}")
    if not join(recipe, models=models, env=env, force=force):
        run_stage(recipe, models=models, env=env, force=force, pairs=pairs, base=base)


def doctor(
    recipe: Annotated[
        str, typer.Argument(help="The recipe to check for; without one, only the machine is described.")
    ] = "",
    models: Models = MODELS,
    port: Port = 7860,
) -> None:
    """Check whether this machine can run a recipe; exit status 1 if a training would fail.

    Example: `blindside doctor qwen2.5-3b-dpo`
    """
    from train.doctor.doctor import examine
    from train.recipe import find_recipe, read_recipe
    from train.resources.findings import show

    asked = read_recipe(find_recipe(recipe)) if recipe else None
    findings = examine(asked, models=models, ports=(port,))
    for line in show(findings):
        console.say(line)
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    app.command()(train)
    app.command()(doctor)
