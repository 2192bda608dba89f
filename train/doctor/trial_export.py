"""Tries the export on the base's own files before a training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from train.errors import ExportError, RecipeError
from train.export.export import check_base
from train.launch import ROOT
from train.recipe import Recipe
from train.resources.findings import Finding
from train.resources.hub import read_file
from train.resources.machine import cached_model

_NEEDED = ("config.json", "tokenizer.json", "tokenizer_config.json")
_MORE = ("generation_config.json", "chat_template.jinja")


def check_export(recipe: Recipe, variables: Mapping[str, str], *, ask_hub: bool) -> Finding | None:
    """Whether the base's config, tokenizer and template pass the export's checks; None where they are not at hand."""
    folder = local_base(recipe, variables)
    if folder is not None:
        return _checked(recipe, folder)
    if not ask_hub:
        return None
    with TemporaryDirectory(prefix="blindside-base-") as temporary:
        return _checked(recipe, Path(temporary)) if _fetched(recipe, variables, Path(temporary)) else None


def check_switch(recipe: Recipe) -> Finding | None:
    """A template's switch in the recipe, which TGI ignores, as Axolotl's DPO does; None where there is none."""
    given = recipe.config.get("chat_template_kwargs")
    if not isinstance(given, dict) or not given:
        return None
    lines = " ".join(f"{{%- set {name} = {_literal(value)} %}}" for name, value in given.items())
    problem = "chat_template_kwargs reach neither Axolotl's DPO nor TGI 3.3, so trained and served prompts would differ"
    remedy = f"remove them from the recipe, and begin the base's chat template with {lines}, which every server applies"
    return Finding("template", "fail", problem, remedy)


def _literal(value: object) -> str:
    """As a template writes it, which knows JSON's true and false, and none for null."""
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def local_base(recipe: Recipe, variables: Mapping[str, str]) -> Path | None:
    """The folder of the base's files on this machine, its own or in the Hub's cache; None where it is not here."""
    folder = ROOT / recipe.base_model
    if folder.is_dir():
        return folder
    try:
        found, _ = cached_model(recipe.base_model, recipe.config.get("revision_of_model"), dict(variables))
    except (RecipeError, ValueError):
        return None
    return found if all((found / name).exists() for name in _NEEDED) else None


def _fetched(recipe: Recipe, variables: Mapping[str, str], folder: Path) -> bool:
    """Whether the Hub gave all that is needed; nothing of it stays in the cache."""
    revision = recipe.config.get("revision_of_model")
    for name in (*_NEEDED, *_MORE):
        body = read_file(recipe.base_model, revision, name, variables)
        if body is not None:
            (folder / name).write_bytes(body)
        elif name in _NEEDED:
            return False
    return True


def _checked(recipe: Recipe, folder: Path) -> Finding:
    missing = [name for name in _NEEDED if not (folder / name).exists()]
    if missing:
        remedy = "save the base once more with transformers' save_pretrained, model and fast tokenizer"
        return Finding("export", "fail", f"{recipe.base_model} has no {missing[0]}, which servers read", remedy)
    try:
        check_base(folder)
    except ExportError as error:
        if error.field != "eos_token_id" or not _says_its_end(recipe):
            problem = str(error).replace(str(folder), recipe.base_model)
            return Finding("export", "fail", problem)
    return Finding("export", "ok", "the base's config, tokenizer and template pass the checks of the export")


def _says_its_end(recipe: Recipe) -> bool:
    """Whether the recipe brings what ends an answer itself, which is known only when the training has ended."""
    return bool(recipe.config.get("special_tokens")) or recipe.config.get("chat_template") not in (
        None,
        "tokenizer_default",
    )
