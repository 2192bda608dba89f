"""Recipes as files: found by name, read strictly where the stage needs it, and valid for Axolotl itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support import ROOT
from train.errors import RecipeError, TrainError
from train.launch import environment
from train.recipe import RECIPES, find_recipe, read_recipe
from train.resources.machine import check_room, locked, parameters, room_needed

NAMES = sorted(path.stem for path in RECIPES.glob("*.yml"))
MINIMAL = "base_model: b\noutput_dir: o\ndatasets: [{path: p.jsonl}]\n"


def test_the_recipes_that_are_promised_are_there_and_explained() -> None:
    assert NAMES == [
        "qwen2.5-14b-dpo-zero3", "qwen2.5-32b-qlora-dpo-fsdp", "qwen2.5-3b-dpo", "qwen2.5-3b-dpo-ray",
        "qwen2.5-3b-qlora-dpo", "qwen2.5-7b-dpo-fsdp2", "smollm2-135m-dpo", "tiny", "tiny-sft",
    ]  # fmt: skip
    readme = (RECIPES / "README.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"## {name}\n" in readme or name == "tiny-sft"
        assert f"make train RECIPE={name}\n" in readme or name.startswith("tiny")
    for said in ("CUDA >= 12.1", "200 GB", "HF_HOME", "AXOLOTL_DO_NOT_TRACK=1", "merge-lora"):
        assert said in readme


def test_the_guides_run_is_in_the_recipe() -> None:
    config = read_recipe(RECIPES / "qwen2.5-3b-dpo.yml").config
    wanted = {
        "base_model": "Qwen/Qwen2.5-3B-Instruct", "chat_template": "qwen_25", "rl": "dpo", "sequence_len": 8192,
        "sample_packing": False, "pad_to_sequence_len": True, "micro_batch_size": 1, "num_epochs": 1,
        "optimizer": "adamw_torch", "lr_scheduler": "constant", "bf16": "auto", "gradient_checkpointing": True,
        "attn_implementation": "flash_attention_2", "saves_per_epoch": 1, "output_dir": "/workspace/dpo-output",
    }  # fmt: skip
    assert {key: config[key] for key in wanted} == wanted
    assert 5e-7 <= config["learning_rate"] <= 5e-6
    assert all(config[key] is None for key in config if key.startswith("wandb"))


@pytest.mark.parametrize("name", NAMES)
def test_pairs_are_named_as_the_data_set_has_them(name: str) -> None:
    recipe = read_recipe(find_recipe(name))
    asked = recipe.datasets[0]
    assert recipe.config["tokenizer_save_jinja_files"] is False
    assert recipe.config["sample_packing"] is False
    if asked.path == "olivermolenschot/alpaca_messages_dpo_test":
        assert asked.columns == {
            "field_messages": "conversation", "field_chosen": "chosen", "field_rejected": "rejected",
        }  # fmt: skip
        assert asked.plain


def test_an_unknown_name_lists_those_that_there_are() -> None:
    with pytest.raises(RecipeError, match=r"there is no recipe 'huge'; give one of qwen2\.5-14b-dpo-zero3, .*, tiny"):
        find_recipe("huge")
    with pytest.raises(RecipeError, match=r"nowhere/mine\.yml: there is no such recipe"):
        find_recipe("nowhere/mine.yml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\nb: 2", "is not YAML (did not find expected ',' or ']') in line 2; correct the file"),
        ("- 1", "is not a YAML mapping"),
        ("", "is not a YAML mapping"),
        ("base_model: b\ndatasets: [{path: p}]", "has no `output_dir`"),
        ("base_model: b\noutput_dir: o\ndatasets: p.jsonl", "`datasets` is not a list of mappings"),
    ],
)
def test_a_broken_recipe_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}: {said}")
    assert "\n" not in str(caught.value)


def test_a_derived_recipe_differs_in_what_was_asked_only(tmp_path: Path) -> None:
    recipe = read_recipe(RECIPES / "tiny.yml")
    derived = recipe.derive(tmp_path / "d.yml", output_dir="/elsewhere")
    assert read_recipe(derived.path).config == {**recipe.config, "output_dir": "/elsewhere"}


@pytest.mark.parametrize(
    ("model", "count"),
    [
        ("Qwen/Qwen2.5-3B-Instruct", 3e9), ("HuggingFaceTB/SmolLM2-135M-Instruct", 135e6),
        ("meta-llama/Llama-3.2-1B", 1e9), ("Qwen/Qwen2.5-0.5B", 0.5e9), ("gpt2", None), ("a/model-4bit", None),
    ],
)  # fmt: skip
def test_a_models_size_by_its_name(model: str, count: float | None) -> None:
    assert parameters(model) == count


def test_a_disk_that_is_too_small_is_told_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(MINIMAL.replace("base_model: b", "base_model: a/model-900000B"), encoding="utf-8")
    recipe = read_recipe(path)
    with pytest.raises(TrainError, match=r"this run needs about \d+\.0 GB on the disk of .*free some"):
        check_room(recipe, tmp_path / "models")


def test_the_large_recipe_asks_for_tens_of_gigabytes() -> None:
    full, adapter = (room_needed(read_recipe(find_recipe(f"qwen2.5-3b-{n}"))) for n in ("dpo", "qlora-dpo"))
    assert 40e9 < full < 100e9
    assert 20e9 < adapter < 40e9


def test_two_trainings_at_once_do_not_meet(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock"),
        pytest.raises(TrainError, match=r"another training is at work in .* \(process \d+\)"),
        locked(tmp_path / "lock"),
    ):
        raise AssertionError("both hold the lock")
    with locked(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text(encoding="ascii").isdigit()


VALIDATE = """
import json, sys, yaml
from axolotl.utils.config import validate_config
from axolotl.utils.dict import DictDefault
from axolotl.utils.schemas.config import AxolotlInputConfig
from axolotl.utils.schemas.datasets import DPODataset, SFTDataset

known = {n for name, f in AxolotlInputConfig.model_fields.items() for n in (name, f.alias) if n}
entries = set(SFTDataset.model_fields) | set(DPODataset.model_fields)
gpu = {"bf16": True, "fp8": False, "tf32": True, "n_gpu": 1, "n_node": 1, "compute_capability": "sm_90"}
found = {}
for path in sys.argv[1:]:
    config = yaml.safe_load(open(path))
    unknown = sorted(set(config) - known) + sorted({k for d in config["datasets"] for k in d} - entries)
    done = validate_config(DictDefault(config), capabilities=gpu, env_capabilities={"torch_version": "2.13.0"})
    kept = {k: done[k] for k in ("learning_rate", "rl", "dpo_loss_type", "adapter") if done[k] is not None}
    found[path] = {"unknown": unknown, "kept": json.loads(json.dumps(kept, default=str))}
print(json.dumps(found))
"""


@pytest.mark.train
def test_axolotl_itself_accepts_every_recipe_and_knows_every_field(warm: Path, tmp_path: Path) -> None:
    misspelt = tmp_path / "misspelt.yml"
    config = read_recipe(RECIPES / "tiny.yml").config
    misspelt.write_text(yaml.safe_dump({**config, "learning_rat": 1}), encoding="utf-8")
    paths = [str(RECIPES / f"{name}.yml") for name in NAMES] + [str(misspelt)]
    done = subprocess.run(
        [str(warm), "-c", VALIDATE, *paths], capture_output=True, text=True, cwd=ROOT,
        env=environment(warm.parents[1], offline=True),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop(str(misspelt))["unknown"] == ["learning_rat"]
    for path, said in found.items():
        assert said["unknown"] == [], path
        assert said["kept"]["learning_rate"] == read_recipe(Path(path)).config["learning_rate"]
