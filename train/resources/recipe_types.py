"""Types of data sets in recipes: one is trained on, the others are converted first."""

from __future__ import annotations

import shlex
from typing import Any

from train.errors import RecipeError
from train.recipe import DataSet, Recipe

TRAINED = "chat_template.default"
#: Axolotl's trainers that learn from chosen and rejected.
OF_PAIRS = frozenset({"dpo", "ipo", "simpo", "orpo"})
#: Fields of a `type:` that is a mapping (user_defined), and what `pairs convert --field` calls them.
_FIELDS = {"field_prompt": "prompt", "field_system": "system", "field_chosen": "chosen", "field_rejected": "rejected"}


def check_types(recipe: Recipe) -> None:
    """Raise RecipeError for pairs of a type that is not trained on as it is, with the command that converts them."""
    if recipe.config.get("rl") not in OF_PAIRS:
        return
    for asked, entry in zip(recipe.datasets, recipe.config["datasets"], strict=True):
        given = entry.get("type")
        if given != TRAINED:
            kind = f"`type: {given if isinstance(given, str) else 'user_defined'}`" if given else "no `type`"
            raise RecipeError(
                f"the data set {asked.place} has {kind}, and pairs are trained on as `type: {TRAINED}`: run "
                f"`{conversion(asked, given)}` and give `path: {_out(asked)}` with `type: {TRAINED}`",
                path=recipe.path,
            )


def conversion(asked: DataSet, given: Any) -> str:
    """The command that writes a data set as `type: chat_template.default` reads it. `given` is the entry's `type`."""
    source = asked.place if asked.is_file else f"hub:{asked.path}:{asked.part}"
    command = ["blindside", "pairs", "convert", source, _out(asked)]
    if isinstance(given, dict):
        named = {**{ours: given.get(theirs) for theirs, ours in _FIELDS.items()}}
        command += ["--format", "user_defined"]
        command += [word for ours, column in named.items() if column for word in ("--field", f"{ours}={column}")]
    elif given:
        command += ["--format", str(given)]
    return shlex.join(command)


def _out(asked: DataSet) -> str:
    """A file beside the recipe's other ones, called for the data set."""
    name = asked.place.rstrip("/").rsplit("/", 1)[-1]
    for ending in (".gz", ".jsonl", ".json", ".csv", ".parquet"):
        name = name.removesuffix(ending)
    return f"{name}-pairs.jsonl"
