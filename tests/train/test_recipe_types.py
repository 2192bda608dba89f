"""Recipes as people have them: trained as Axolotl would, or the exact command that converts the pairs first."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from eval.cli.main import app
from tests.support import ROOT
from train.data import data_hashes, is_local, local_path, prepare
from train.doctor.doctor import Machine, examine
from train.errors import RecipeError
from train.files import sha256_file
from train.recipe import Recipe, read_recipe
from train.resources.recipe_types import TRAINED, check_types

PAIRS = [
    {"messages": [{"role": "user", "content": f"Name colour {n}."}],
     "chosen": {"role": "assistant", "content": f"Blue {n}."},
     "rejected": {"role": "assistant", "content": f"Well, colour {n} is hard to name."}}
    for n in range(12)
]  # fmt: skip
FIELDS = {"type": TRAINED, "field_messages": "messages", "field_chosen": "chosen", "field_rejected": "rejected"}


def recipe_of(folder: Path, *entries: dict[str, Any], **more: Any) -> Recipe:
    path = folder / "mine.yml"
    said = {"base_model": "org/base", "output_dir": str(folder / "out"), "rl": "dpo", "datasets": list(entries), **more}
    path.write_text(yaml.safe_dump(said), encoding="utf-8")
    return read_recipe(path)


def pairs_file(folder: Path, name: str = "pairs.jsonl", rows: list[dict[str, Any]] | None = None) -> str:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows or PAIRS), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("files", [list, str])
def test_path_json_is_the_file_that_it_reads(tmp_path: Path, files: Any) -> None:
    file = pairs_file(tmp_path)
    given = [file] if files is list else file
    recipe = recipe_of(tmp_path, {"path": "json", "data_files": given, "split": "train", **FIELDS}, val_set_size=0.1)
    assert is_local(recipe.datasets[0])
    assert local_path(recipe.datasets[0]) == Path(file)
    assert data_hashes(recipe) == {file: sha256_file(Path(file))}
    done = prepare(recipe, tmp_path / "work", tmp_path, lambda line: None)
    (entry,) = done.datasets
    assert "data_files" not in entry
    assert (entry["ds_type"], len(Path(entry["path"]).read_text().splitlines())) == ("json", len(PAIRS))


def test_path_json_of_an_unchanged_sft_set_is_given_as_the_file(tmp_path: Path) -> None:
    rows = [{"messages": [*row["messages"], row["chosen"]]} for row in PAIRS]
    file = pairs_file(tmp_path, rows=rows)
    entry = {"path": "json", "data_files": file, "type": "chat_template"}
    recipe = recipe_of(tmp_path, entry, rl=None)
    done = prepare(recipe, tmp_path / "work", tmp_path, lambda line: None)
    assert done.datasets == [{"type": "chat_template", "path": file, "ds_type": "json"}]


def test_several_data_sets_are_all_trained_and_all_hashed(tmp_path: Path) -> None:
    one, two = pairs_file(tmp_path, "one.jsonl"), pairs_file(tmp_path, "two.jsonl", PAIRS[:5])
    recipe = recipe_of(
        tmp_path, {"path": "json", "data_files": [one], **FIELDS}, {"path": two, **FIELDS}, val_set_size=0
    )
    assert list(data_hashes(recipe)) == [one, two]
    done = prepare(recipe, tmp_path / "work", tmp_path, lambda line: None)
    assert [len(Path(entry["path"]).read_text().splitlines()) for entry in done.datasets] == [12, 5]
    hub = {"path": "org/set", **FIELDS}
    both = recipe_of(tmp_path, {**hub, "name": "en"}, {**hub, "name": "de", "split": "test"})
    assert list(data_hashes(both)) == ["org/set", "org/set:de/test"]


def test_several_files_of_one_entry_are_asked_for_one_by_one(tmp_path: Path) -> None:
    files = [pairs_file(tmp_path, "one.jsonl"), pairs_file(tmp_path, "two.jsonl")]
    with pytest.raises(RecipeError, match="has 2 data_files: write an entry of `datasets` for each"):
        data_hashes(recipe_of(tmp_path, {"path": "json", "data_files": files, **FIELDS}))


HUB = {"path": "org/mix", "split": "train"}
USER = {"field_prompt": "question", "field_chosen": "good", "field_rejected": "bad", "field_system": "system"}
#: entry -> the command that its remedy names.
OTHERS: list[tuple[dict[str, Any], str]] = [
    ({**HUB, "type": "chatml.intel"}, "hub:org/mix:train mix-pairs.jsonl --format chatml.intel"),
    ({**HUB, "type": "chatml.argilla_chat"}, "hub:org/mix:train mix-pairs.jsonl --format chatml.argilla_chat"),
    ({**HUB, "type": "llama3.icr"}, "hub:org/mix:train mix-pairs.jsonl --format llama3.icr"),
    ({**HUB, "type": "llama3.ultra", "name": "en"}, "hub:org/mix:en/train mix-pairs.jsonl --format llama3.ultra"),
    ({**HUB, "type": "zephyr.nectar"}, "hub:org/mix:train mix-pairs.jsonl --format zephyr.nectar"),
    (HUB, "hub:org/mix:train mix-pairs.jsonl"),
    ({"path": "data/my pairs.jsonl"}, "'data/my pairs.jsonl' 'my pairs-pairs.jsonl'"),
    ({"path": "json", "data_files": "b.json", "type": "chatml.intel"}, "b.json b-pairs.jsonl --format chatml.intel"),
    ({"path": "b.csv", "type": USER}, "b.csv b-pairs.jsonl --format user_defined --field prompt=question "
     "--field system=system --field chosen=good --field rejected=bad"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "command"), OTHERS, ids=[command for _, command in OTHERS])
def test_another_type_is_refused_with_the_command_that_converts_it(
    tmp_path: Path, entry: dict[str, Any], command: str
) -> None:
    recipe = recipe_of(tmp_path, entry)
    with pytest.raises(RecipeError) as caught:
        check_types(recipe)
    said = str(caught.value)
    assert f"run `blindside pairs convert {command}` and give `path: " in said
    with pytest.raises(RecipeError):
        data_hashes(recipe)
    (found,) = [one for one in examine(recipe, machine=Machine(), models=tmp_path) if one.name == "pairs"]
    assert (found.level, found.found) == ("fail", said)


def test_the_command_of_the_remedy_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        {"question": f"Name colour {n}.", "system": "Be short.", "good": f"Blue {n}.", "bad": "Well."} for n in range(4)
    ]
    pairs_file(tmp_path, "b.jsonl", rows)
    with pytest.raises(RecipeError) as caught:
        check_types(recipe_of(tmp_path, {"path": "b.jsonl", "type": USER}))
    command = re.search(r"run `blindside (.*?)` and give `path: (.*?)`", str(caught.value))
    assert command is not None
    done = CliRunner().invoke(app, shlex.split(command[1]))
    assert done.exit_code == 0, done.output
    recipe = recipe_of(tmp_path, {"path": str(tmp_path / command[2]), **FIELDS}, val_set_size=0)
    check_types(recipe)
    (entry,) = prepare(recipe, tmp_path / "work", tmp_path, lambda line: None).datasets
    first = json.loads(Path(entry["path"]).read_text().splitlines()[0])
    assert [turn["content"] for turn in first["messages"]] == ["Be short.", "Name colour 0."]
    assert (first["chosen"]["content"], first["rejected"]["content"]) == ("Blue 0.", "Well.")


def test_our_own_recipes_are_of_the_type_that_is_trained_on() -> None:
    for path in sorted((ROOT / "train" / "recipes").glob("*.yml")):
        check_types(read_recipe(path))
