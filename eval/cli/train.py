"""`blindside train`: from a recipe to a servable model."""

from __future__ import annotations

from typing import Annotated

import typer

from eval.cli.options import MODELS, TRAIN_ENV, Models, TrainEnv


def train(
    recipe: Annotated[str, typer.Argument(help="A name in train/recipes/, or the path of an Axolotl YAML.")] = "tiny",
    models: Models = MODELS,
    env: TrainEnv = TRAIN_ENV,
    force: Annotated[bool, typer.Option("--force", help="Train even if nothing changed.")] = False,
) -> None:
    """Train a model by Axolotl from a YAML recipe; nothing is done twice for an unchanged recipe, data and base.

    Example: `blindside train tiny`
    """
    from train.stage import train as run_stage

    run_stage(recipe, models=models, env=env, force=force)


def register(app: typer.Typer) -> None:
    app.command()(train)
