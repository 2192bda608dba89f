"""What changes from candidate to candidate, in Axolotl's own format for sweeps.

Axolotl 0.19 (axolotl.cli.utils.sweeps): every key of the file has a list of values, `_` a list of mappings whose values
belong together; all combinations are trained. Here they come in the order of the file, and are named by what they
change, so that a longer file trains only what is new.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from train.errors import RecipeError

#: Values that belong together, in Axolotl's format.
PAIRED = "_"
#: What a sweep has in common, and what blindside sets itself.
FIXED = {
    "base_model": "a sweep has one base",
    "revision_of_model": "a sweep has one base",
    "output_dir": "each candidate gets a folder of its own",
    "dataset_prepared_path": "each candidate gets a folder of its own",
}
_LONGEST = 60
_OTHER = re.compile(r"[^A-Za-z0-9.]+")

Changes = dict[str, Any]


def combinations(grid: Mapping[str, Any]) -> list[Changes]:
    """Every combination of a file in Axolotl's format. Raises RecipeError for a key without a list of values."""
    for key, values in grid.items():
        if not isinstance(values, list) or not values:
            raise RecipeError(f"`{key}` has no list of values: give those to try, as `{key}: [a, b]`")
        if key == PAIRED and not all(isinstance(value, dict) and value for value in values):
            raise RecipeError("`_` is a list of mappings whose values belong together")
    single = {key: values for key, values in grid.items() if key != PAIRED}
    chosen = (dict(zip(single, values, strict=True)) for values in product(*single.values()))
    found = [{**one, **paired} for one in chosen for paired in grid.get(PAIRED, [{}])]
    return [one for one in found if one]


def named(every: list[Changes]) -> dict[str, Changes]:
    """Changes by a name that says them, each once: learning_rate-0.0001, rl_beta-0.3."""
    return {_name(one): one for one in every}


def check(changes: Mapping[str, Changes]) -> None:
    """Raise RecipeError where a candidate changes what a sweep has in common, or nothing."""
    for name, one in changes.items():
        for key in one.keys() & FIXED.keys():
            raise RecipeError(f"candidate {name} changes `{key}`, and {FIXED[key]}: leave it out")
        if not one:
            raise RecipeError(f"candidate {name} changes nothing: give keys of Axolotl and their values")


def _name(one: Changes) -> str:
    text = "_".join(_words(one))
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}-{hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest()[:6]}"


def _words(one: Changes) -> Iterator[str]:
    for key, value in one.items():
        text = json.dumps(value) if isinstance(value, dict | list) else str(value)
        yield f"{key}-{_OTHER.sub('-', text).strip('-')}"
