"""A further round: what it takes from the recipe, what stands for it, how its model is named, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.train.models import edit, hf5_folder, recipe
from tests.train.test_stage import fake_training
from train.artifact import Artifact, read_artifact
from train.data import read_prompt_keys
from train.errors import ArtifactError, PairsError, RecipeError
from train.files import sha256_file
from train.pairs.convert import convert
from train.pairs.keys import prompt_key
from train.stage import train
from train.tiny.world import pair_rows, to_jsonl
from train.token_check import KEY, row_key

ROWS = pair_rows()[:20]


class World:
    """A recipe whose training takes no time, its first model, and pairs for the next as `pairs convert` writes them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.models = folder, folder / "models"
        (folder / "pairs.jsonl").write_text(to_jsonl(ROWS[:8]), encoding="utf-8")
        self.recipe = recipe(folder, hf5_folder(folder / "base"), revision_of_model="main")
        self.env = fake_training(folder)
        self.first = train(str(self.recipe), models=self.models, env=self.env, say=lambda _: None)
        self.pairs = folder / "next.jsonl"
        self.write(ROWS[8:])

    def write(self, rows: list[dict[str, object]]) -> None:
        (self.folder / "raw.jsonl").write_text(to_jsonl(rows), encoding="utf-8")
        convert(self.folder / "raw.jsonl", self.pairs, say=lambda _: None)

    def round(self, pairs: Path | None = None, *, base: str = "") -> Artifact:
        self.said: list[str] = []
        asked = pairs or self.pairs
        return train(str(self.recipe), models=self.models, env=self.env, say=self.said.append, pairs=asked, base=base)

    @property
    def trained(self) -> int:
        return (self.folder / "calls").read_text(encoding="ascii").split().count("train")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_file_stands_for_the_recipes_data_and_the_model_is_another(world: World) -> None:
    before = (world.models / "mine" / "blindside.json").read_bytes()
    made = world.round()
    assert made.name == "mine-next"
    assert read_artifact(world.models / "mine-next") == made
    assert made.data_sha256 == {str(world.pairs): sha256_file(world.pairs)}
    assert (made.recipe, made.base) == (world.first.recipe, world.first.base)
    assert made.inputs_sha256 != world.first.inputs_sha256
    assert (world.models / "mine" / "blindside.json").read_bytes() == before
    keys = {prompt_key(row["messages"]) for row in ROWS[8:]}
    assert read_prompt_keys(world.models / "mine-next") == keys
    given = yaml.safe_load((world.models / "mine-next.work" / "mine-next.yml").read_text(encoding="utf-8"))
    copies = [Path(entry["path"]) for entry in given["datasets"]]
    copied = [json.loads(line) for line in copies[0].read_text(encoding="utf-8").splitlines()]
    assert copied == [{**row, KEY: row_key(row)} for row in ROWS[8:]]
    assert len(copies) == 1
    assert given["output_dir"] == f"{world.folder / 'output'}-next"
    assert given["revision_of_model"] == "main"
    assert given["dpo_loss_type"] == ["sigmoid", "sft"]


def test_nothing_is_trained_twice_and_other_pairs_are_other_inputs(world: World) -> None:
    first = world.round()
    assert world.round() == first
    assert world.said == [f"{world.models / 'mine-next'} is up to date (recipe, data and base unchanged)"]
    assert world.trained == 2
    world.write(ROWS[9:])
    assert world.round().inputs_sha256 != first.inputs_sha256
    assert world.trained == 3


@pytest.mark.parametrize("spelled", ["{models}/mine", "mine"])
def test_a_round_from_the_model_of_the_first_one(world: World, spelled: str) -> None:
    plain = world.round()
    made = world.round(base=spelled.format(models=world.models))
    assert made.base.source == str(world.models / "mine")
    assert made.base.weights_sha256 == world.first.weights_sha256
    assert made.inputs_sha256 != plain.inputs_sha256
    # What the first model was trained on is the second one's training data, too.
    keys = {prompt_key(row["messages"]) for row in ROWS}
    assert read_prompt_keys(world.models / "mine-next") == keys
    given = yaml.safe_load((world.models / "mine-next.work" / "mine-next.yml").read_text(encoding="utf-8"))
    assert given["base_model"] == str(world.models / "mine")
    assert given["revision_of_model"] is None


def test_a_round_is_evaluated_on_the_prompts_of_the_model_that_it_goes_on_from(world: World) -> None:
    assert world.round(base="mine").prompts is None
    edit(world.models / "mine" / "blindside.json", prompts="train/tiny/prompts.jsonl")
    world.write(ROWS[9:])
    assert world.round(base="mine").prompts == "train/tiny/prompts.jsonl"
    assert world.round().prompts is None


def test_a_third_round_from_the_second_needs_a_name_of_its_own(world: World) -> None:
    world.round()
    with pytest.raises(RecipeError, match="mine-next is the base of this round: give the file of pairs another name"):
        world.round(base="mine-next")
    third = world.pairs.rename(world.folder / "third.jsonl")
    assert world.round(third, base="mine-next").base.source == str(world.models / "mine-next")


def test_pairs_are_checked_as_always(world: World) -> None:
    with world.pairs.open("a", encoding="utf-8") as file:
        file.write(to_jsonl([{**ROWS[0], "rejected": ROWS[0]["chosen"]}]))
    with pytest.raises(PairsError, match=r"next\.jsonl:13: chosen and rejected are the same text"):
        world.round()
    assert world.trained == 1


def test_what_cannot_be_a_round_is_one_sentence(world: World) -> None:
    with pytest.raises(RecipeError, match=r"gone\.jsonl: there is no such file"):
        world.round(world.folder / "gone.jsonl")
    table = world.folder / "table.csv"
    table.write_text("prompt,chosen,rejected\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"`blindside pairs convert .*table\.csv next\.jsonl` makes it"):
        world.round(table)
    odd = world.folder / "my pairs.jsonl"
    odd.write_bytes(world.pairs.read_bytes())
    with pytest.raises(RecipeError, match="would be named 'mine-my pairs': rename the file"):
        world.round(odd)
    for gone in ("gone", "train/gone", str(world.models / "gone")):
        with pytest.raises(RecipeError, match=f"there is no model {gone}: train it first"):
            world.round(base=gone)
    with pytest.raises(RecipeError, match="give it with pairs"):
        train(str(world.recipe), models=world.models, env=world.env, base="mine")
    assert world.trained == 1


def test_an_unfinished_model_is_no_base(world: World) -> None:
    (world.models / "mine" / "blindside.json").unlink()
    with pytest.raises(ArtifactError, match="is not a finished model"):
        world.round(base="mine")


def test_a_round_never_replaces_another_recipes_model(world: World) -> None:
    other = world.recipe.rename(world.folder / "mine-next.yml")
    train(str(other), models=world.models, env=world.env, say=lambda _: None)
    world.recipe = recipe(world.folder, world.folder / "base")
    with pytest.raises(RecipeError, match=r"mine-next is another model, made by .*mine-next\.yml"):
        world.round()


def test_the_tiny_base_is_never_taken_for_a_round(tmp_path: Path) -> None:
    pairs = tmp_path / "base.jsonl"
    pairs.write_text(to_jsonl(ROWS), encoding="utf-8")
    with pytest.raises(RecipeError, match="tiny-base is the base of this round"):
        train("tiny", models=tmp_path / "models", env=tmp_path / "none", pairs=pairs)


def test_a_recipe_that_takes_no_pairs_is_refused(world: World) -> None:
    config = yaml.safe_load(world.recipe.read_text(encoding="utf-8"))
    del config["rl"]
    world.recipe.write_text(yaml.safe_dump(config), encoding="utf-8")
    with pytest.raises(RecipeError, match=r"does not train on pairs"):
        world.round()
