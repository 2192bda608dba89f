"""The stage's side of the check: what the derived recipe says to the plugin, and what is made of its outcome."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from train.errors import TokensError
from train.recipe import Recipe
from train.tokens.protocol import PLUGIN, read_found, tokenizer_beside


def checked(recipe: Recipe) -> bool:
    """Whether the recipe is a DPO over pairs, whose tokens are held against the served ones before the first step."""
    return recipe.config.get("rl") in ("dpo", "ipo") and all(asked.is_pairs for asked in recipe.datasets)


def fields(recipe: Recipe, outcome: Path) -> dict[str, Any]:
    """The fields by which Axolotl loads our plugin."""
    if not checked(recipe):
        return {}
    return {"plugins": [*(recipe.config.get("plugins") or []), PLUGIN], "trained_tokens": str(outcome)}


def forget(outcome: Path) -> None:
    """What an earlier run found is no longer said."""
    outcome.unlink(missing_ok=True)
    shutil.rmtree(tokenizer_beside(outcome), ignore_errors=True)


def raise_for(outcome: Path) -> None:
    """Raise TokensError where it was the plugin that stopped Axolotl."""
    found = read_found(outcome)
    if found is not None and found.problem:
        raise TokensError(f"nothing was trained: {found.problem}") from None


def tell(recipe: Recipe, outcome: Path, log: Path, say: Callable[[str], None]) -> None:
    found = read_found(outcome)
    if found is not None:
        for line in found.sentences(recipe.config.get("sequence_len")):
            say(line)
    elif checked(recipe):
        say(f"note: trained and served tokens were not compared; {log} says why {PLUGIN} was not run")
