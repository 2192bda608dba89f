"""Checks on several GPUs: memory for each way to spread a recipe, and which of our recipes fit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from blindside.gpus import Gpu
from train.errors import LaunchError, RecipeError
from train.launcher import read_launch
from train.recipe import RECIPES, Recipe, read_recipe
from train.resources.findings import Finding
from train.resources.memory import GIB, Estimate, estimate, needs_gpu, wants_gpu
from train.resources.shapes import KNOWN, Shape
from train.resources.sharding import read_spread, ways


def count_processes(recipe: Recipe, gpus: Sequence[Gpu]) -> int:
    """GPUs that train together: as the dials say, or Ray's workers, else those of this machine.

    Where a recipe wants GPUs and there is none, those of a machine that is to be rented: NPROC of them.
    """
    try:
        asked = read_launch(os.environ, recipe.config, gpus=len(gpus) or int(needs_gpu(recipe.config)))
    except LaunchError:
        return max(1, len(gpus))
    workers = int(recipe.config.get("ray_num_workers") or 0) if asked.launcher == "ray" else 0
    return asked.world or workers or max(1, len(gpus)) * asked.nodes


def check_launch(recipe: Recipe, gpus: Sequence[Gpu]) -> list[Finding]:
    """Whether LAUNCHER, NPROC, NODES and MASTER can be followed here; nothing where the GPUs are to be rented."""
    if not gpus and needs_gpu(recipe.config):
        return []
    try:
        asked = read_launch(os.environ, recipe.config, gpus=len(gpus))
    except LaunchError as error:
        return [Finding("launcher", "fail", str(error))]
    if gpus and asked.processes > len(gpus) and asked.launcher != "ray":
        remedy = "set NPROC to what nvidia-smi lists"
        return [Finding("launcher", "fail", f"NPROC={asked.processes}, and this machine has {len(gpus)} GPUs", remedy)]
    return []


def check_spread(recipe: Recipe, shape: Shape, gpus: Sequence[Gpu]) -> list[Finding]:
    """GiB of each GPU under each usual way, where there are several GPUs or the recipe is for several."""
    count = count_processes(recipe, gpus)
    if count < 2 or not wants_gpu(recipe.config):
        return []
    have = min((gpu.total for gpu in gpus), default=0)
    own = read_spread(recipe.config, count).words() or "no sharding"
    rows = [_row(name, need, have) for name, need in _ways(recipe, shape, count)]
    return [
        Finding(
            "spread", "ok", f"{count} GPUs, the recipe uses {own}; memory per GPU with each strategy:", "", tuple(rows)
        )
    ]


def _ways(recipe: Recipe, shape: Shape, count: int) -> Iterator[tuple[str, Estimate]]:
    for name, config in ways(recipe.config, count).items():
        yield name, estimate(replace(recipe, config=config), shape, gpu=True, gpus=count)


def _row(name: str, need: Estimate, have: int) -> str:
    fits = "" if not have else "   fits" if need.total <= have else "   does not fit"
    return f"{name:<26}{need.fixed / GIB:8.1f} GiB fixed, {need.total / GIB:8.1f} GiB in all{fits}"


def what_to_rent(recipe: Recipe, shape: Shape) -> str:
    """The smallest usual GPUs that the recipe fits on, in GB as makers say it: one, or as many as it spreads over."""
    counts = (2, 4, 8, 16) if read_spread(recipe.config, 16).words() else (1,)
    for count in counts:
        need = estimate(recipe, shape, gpu=True, gpus=count).total
        usual = (16, 24, 48, 80) if count < counts[-1] else (16, 24, 48, 80, 141)
        size = next((size for size in usual if need < size * GIB), None)
        if size is not None:
            return f"a GPU of {size} GB" if count == 1 else f"{count} GPUs of {size} GB"
    return "a GPU of 180 GB" if counts == (1,) else f"more than {counts[-1]} GPUs"


def check_recipes(gpus: Sequence[Gpu], memory: int) -> Finding:
    """Which of our recipes fit this machine, by what each needs of a GPU, or of `memory` bytes without one."""
    have = min((gpu.total for gpu in gpus), default=0)
    fit, rows = [], []
    for recipe, need in _own(gpus):
        on_gpu = wants_gpu(recipe.config)
        fits = need.total <= (have if gpus and on_gpu else memory) and (bool(gpus) or not needs_gpu(recipe.config))
        fit += [recipe.name] if fits else []
        where = "of memory" if not on_gpu else "on each GPU" if len(gpus) > 1 else "of the GPU"
        takes = f"{need.total / GIB:8.1f} GiB {where}{'   fits' if fits else ''}"
        rented = f"   wants {what_to_rent(recipe, KNOWN[recipe.base_model])}"
        rows.append(f"{recipe.name:<28}{takes if gpus or not on_gpu else rented}")
    return Finding("recipes", "ok", f"these fit this machine: {', '.join(fit) or 'none'}", "", tuple(rows))


def _own(gpus: Sequence[Gpu]) -> Iterator[tuple[Recipe, Estimate]]:
    for path in sorted(RECIPES.glob("*.yml")):
        recipe = _read(path.stem)
        if recipe is not None and recipe.base_model in KNOWN:
            need = estimate(recipe, KNOWN[recipe.base_model], gpu=wants_gpu(recipe.config), gpus=max(1, len(gpus)))
            yield recipe, need


def _read(name: str) -> Recipe | None:
    try:
        return read_recipe(RECIPES / f"{name}.yml")
    except RecipeError:
        return None
