"""Held-out pairs: kept out of a training, to show whether it learned more than its own pairs."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

from train.pairs.keys import prompt_key
from train.pairs.read import Row
from train.recipe import Recipe

SHARE, LEAST, MOST = 0.05, 20, 200
#: With fewer pairs every one is needed for the training.
ENOUGH = 200


def held_out_wanted(recipe: Recipe, pairs: int) -> int:
    """How many of so many pairs are held out: none where the recipe says what is (val_set_size, test_datasets)."""
    own = recipe.config.get("val_set_size") is not None or recipe.config.get("test_datasets")
    return 0 if own or pairs < ENOUGH else min(max(round(SHARE * pairs), LEAST), MOST)


def choose_held_out(rows: Iterable[Row], count: int) -> set[str]:
    """Keys of prompts whose pairs are held out, all of a prompt's or none: `count` pairs or somewhat fewer.

    Drawn by the hash of each prompt, so that the same data gives the same ones in any order; empty where a few prompts
    have all pairs.
    """
    sizes = Counter(prompt_key(row.messages) for row in rows)
    chosen, taken = set[str](), 0
    for key in sorted(sizes, key=lambda one: hashlib.sha256(f"held out {one}".encode()).digest()):
        if taken + sizes[key] <= count:
            chosen.add(key)
            taken += sizes[key]
    return chosen if taken >= LEAST else set()


def split_held_out(rows: Sequence[Row], held: set[str]) -> tuple[list[Row], list[Row]]:
    """Rows that are trained on, and those that are held out."""
    parts: tuple[list[Row], list[Row]] = ([], [])
    for row in rows:
        parts[prompt_key(row.messages) in held].append(row)
    return parts


def held_out_note(recipe: Recipe, pairs: int, held: int) -> str:
    """What is reported of it."""
    if held:
        return f"{held} of {pairs} pairs are held out and scored before and after (val_set_size overrides that)"
    if recipe.config.get("val_set_size") or recipe.config.get("test_datasets"):
        return "pairs are held out as the recipe says"
    return "no pair is held out" + (f": fewer than {ENOUGH} pairs" if pairs < ENOUGH else "")
