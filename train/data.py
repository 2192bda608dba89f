"""A recipe's data sets: checked, hashed, and cleaned into a copy for Axolotl where needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from train import held_out
from train.errors import RecipeError
from train.files import sha256_file, write_atomic
from train.launch import ROOT
from train.pairs.check import Checked, check_file, check_rows, write_clean
from train.pairs.fetch import fetch_rows
from train.pairs.read import check_columns, read_lines
from train.recipe import BUILDERS, DataSet, Recipe
from train.resources.recipe_types import check_types
from train.tokens import stage as tokens

PROMPTS_FILE = "training_prompts.txt"
Say = Callable[[str], None]
#: What an entry says of the data set as it was found, and not of its cleaned copy.
_OF_THE_ORIGINAL = ("data_files", "revision", "name", "message_property_mappings", "roles")
#: Axolotl passes over other names of fields in data sets for evaluation.
_USUAL: dict[str, Any] = {"field_messages": "messages", "field_chosen": "chosen", "field_rejected": "rejected"}


@dataclass
class PreparedData:
    """What a recipe is trained on: prompt keys, and the `datasets` entries that Axolotl gets."""

    keys: set[str] = field(default_factory=set)
    datasets: list[dict[str, Any]] = field(default_factory=list)
    #: Of pairs that are held out; empty where none are, or where the recipe itself says which.
    held_out: list[dict[str, Any]] = field(default_factory=list)


def is_local(asked: DataSet) -> bool:
    """Whether the recipe's `path` is a file here, and not a data set of the Hub."""
    return asked.is_file or (ROOT / asked.path).exists()


def data_hashes(recipe: Recipe) -> dict[str, str]:
    """By the recipe's own path, or file: the hash of a local file, or a Hub data set's revision (main where none is
    pinned). Raises RecipeError, for pairs of a type that is not trained on too."""
    check_types(recipe)
    hashes: dict[str, str] = {}
    for asked in recipe.datasets:
        # Two splits, or configurations, of one data set are two.
        hashes[asked.place if asked.place not in hashes else f"{asked.place}:{asked.part}"] = _hash(asked)
    return hashes


def _hash(asked: DataSet) -> str:
    if not is_local(asked):
        return f"hub:{asked.revision or 'main'}"
    path = local_path(asked)
    if not path.is_file():
        raise RecipeError(f"the data set {path} is not there; check `path` in the recipe")
    return sha256_file(path)


def local_path(asked: DataSet) -> Path:
    """A relative path of a recipe is taken from where `axolotl train` runs: the project's root."""
    path = ROOT / asked.place
    if path.is_dir() and len(asked.data_files) == 1:
        return path / asked.data_files[0]
    if len(asked.data_files) > 1 and (path.is_dir() or asked.path in BUILDERS):
        raise RecipeError(
            f"`path: {asked.path}` has {len(asked.data_files)} data_files: write an entry of `datasets` for each"
        )
    return path


def prepare(recipe: Recipe, work: Path, env: Path, say: Say) -> PreparedData:
    """Check every data set of the recipe; a cleaned one is written to `work`, and pairs with a key, so that the
    tokens of each can be checked. Raises PairsError or RecipeError."""
    check_types(recipe)
    done = PreparedData()
    keyed = tokens.is_checked(recipe)
    found = [_check(asked, work / f"hub-{number}.jsonl", env) for number, asked in enumerate(recipe.datasets)]
    rows = [row for checked in found for row in checked.rows]
    held = held_out.choose_held_out(rows, held_out.held_out_wanted(recipe, len(rows))) if keyed else set[str]()
    for number, (asked, entry) in enumerate(zip(recipe.datasets, recipe.config["datasets"], strict=True)):
        checked = found[number]
        kind = "pairs" if asked.is_pairs else "rows"
        say(f"{asked.place}: {len(checked.rows)} {kind} read and checked")
        for remark in checked.remarks():
            say(f"  note: {remark}")
        done.keys |= checked.keys()
        trained, apart = held_out.split_held_out(checked.rows, held)
        parts = (done.datasets, "clean", trained), (done.held_out, "held-out", apart)
        for entries, name, some in parts if apart else parts[:1]:
            part = replace(checked, rows=some)
            named = asked if entries is done.datasets else replace(asked, **_USUAL)
            kept = entry if entries is done.datasets else {**entry, **_USUAL}
            entries.append(_entry(kept, named, part, work / f"{name}-{number}.jsonl", keyed))
    if keyed:
        say(f"  note: {held_out.held_out_note(recipe, len(rows), len(held_out.split_held_out(rows, held)[1]))}")
    return done


def _check(asked: DataSet, fetched: Path, env: Path) -> Checked:
    if is_local(asked):
        return check_file(local_path(asked), asked)
    columns = fetch(asked, fetched, env)
    check_columns(columns, asked)
    return check_rows(list(read_lines(fetched)), asked, leave_out=True)


def _entry(entry: dict[str, Any], asked: DataSet, checked: Checked, clean: Path, keyed: bool) -> dict[str, Any]:
    if not checked.changed and not keyed:
        return _from_here(entry, asked) if is_local(asked) else entry
    write_clean(checked, asked, clean, keyed=keyed)
    kept = {k: v for k, v in entry.items() if k not in _OF_THE_ORIGINAL}
    return {**kept, "path": str(clean.absolute()), "ds_type": "json", "split": "train"}


def _from_here(entry: dict[str, Any], asked: DataSet) -> dict[str, Any]:
    """The entry with its file by an absolute path; `path: json` becomes the file that it reads."""
    if asked.path not in BUILDERS:
        return {**entry, "path": str(local_path(asked))}
    kept = {name: value for name, value in entry.items() if name != "data_files"}
    return {**kept, "path": str(local_path(asked)), "ds_type": asked.path}


def fetch(asked: DataSet, out: Path, env: Path) -> list[str]:
    """Bring a Hub data set's wanted columns to `out`, by the train environment's `datasets`; return all its columns."""
    return fetch_rows(asked.path, asked.part, asked.revision, list(asked.columns.values()), out, env)


def write_prompt_keys(folder: Path, keys: set[str]) -> None:
    """training_prompts.txt: one prompt_key a line, sorted."""
    write_atomic(folder / PROMPTS_FILE, "".join(f"{key}\n" for key in sorted(keys)))


def read_prompt_keys(folder: Path) -> set[str]:
    """The keys of a model folder; empty where it has none."""
    path = folder / PROMPTS_FILE
    return set(path.read_text(encoding="utf-8").split()) if path.exists() else set()
