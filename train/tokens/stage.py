"""The token check in the stage: the plugin's fields in the derived recipe, and its outcome."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from train.errors import TokensError
from train.progress import parse_numbers
from train.recipe import Recipe
from train.token_check import PLUGIN, RULES, TrainedTokens, read_found, tokenizer_beside, write_found

#: The variable by which a person says that a training may continue whose tokens cannot be compared.
UNCHECKED = "UNCHECKED_TOKENS"


def is_checked(recipe: Recipe) -> bool:
    """Whether the recipe is a DPO over pairs, whose tokens are compared with the served ones before the first step."""
    return recipe.config.get("rl") in ("dpo", "ipo") and all(asked.is_pairs for asked in recipe.datasets)


def is_outdated(recipe: Recipe, check: TrainedTokens | None) -> bool:
    """Whether a model of this recipe, of whose tokens this was found, was checked by other rules, or never."""
    return is_checked(recipe) and (check is None or check.rules != RULES)


def plugin_fields(recipe: Recipe, outcome: Path, figures: Path) -> dict[str, Any]:
    """The fields by which Axolotl loads our plugin, and by which a DPO is checked and its figures are written."""
    own = {"plugins": [*(recipe.config.get("plugins") or []), PLUGIN]}
    return {**own, "trained_tokens": str(outcome), "training_figures": str(figures)} if is_checked(recipe) else own


def forget_outcome(outcome: Path) -> None:
    """What an earlier run found is no longer said."""
    outcome.unlink(missing_ok=True)
    shutil.rmtree(tokenizer_beside(outcome), ignore_errors=True)


class PluginWatch:
    """Reads what Axolotl prints, and raises TokensError as soon as it continues without our plugin.

    Axolotl tells of a plugin that it cannot import, and trains anyway; one without our hooks says nothing.
    """

    def __init__(self, recipe: Recipe, outcome: Path) -> None:
        self._outcome = outcome
        self._over = not is_checked(recipe) or os.environ.get(UNCHECKED, "") not in ("", "0")
        self._failed = False

    def __call__(self, line: str) -> None:
        if self._over:
            return
        self._failed = self._failed or f"Failed to load plugin: {PLUGIN}" in line
        if self._failed and line.startswith("Error: "):
            raise _unchecked(line.removeprefix("Error: ").strip())
        if "loss" in parse_numbers(line):
            self._over = True
            if not self._outcome.exists():
                raise _unchecked("it skips the check silently")


def _unchecked(why: str) -> TokensError:
    return TokensError(
        f"the training was stopped: Axolotl does not run the check of its tokens ({why}); take Axolotl 0.19 with "
        f"Python 3.11 or newer (TRAINER=local does), or set {UNCHECKED}=1 to train without the check, which the "
        "model's record then says"
    )


def raise_for(outcome: Path) -> None:
    """Raise TokensError where it was the plugin that stopped Axolotl."""
    found = read_found(outcome)
    if found is not None and found.problem:
        raise TokensError(f"nothing was trained: {found.problem}") from None


def report_outcome(recipe: Recipe, outcome: Path, log: Path, say: Callable[[str], None]) -> None:
    """Say the outcome; that there is none is written down as one."""
    if not is_checked(recipe):
        return
    found = read_found(outcome)
    if found is None:
        found = TrainedTokens(unchecked="Axolotl did not run the check")
        write_found(outcome, found)
    for line in found.sentences():
        say(line)
    if found.unchecked:
        say(f"  note: {log} says why {PLUGIN} was not run")
