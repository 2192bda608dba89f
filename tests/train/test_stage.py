"""One true small run: a recipe through Axolotl, the export and blindside.json; and what a second call makes of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.cli.command import BLINDSIDE
from tests.support import ROOT
from tests.train.models import HF5, SHAPES, edit, hf5_folder, load, recipe, write_weights
from tests.warm.warm import train_python
from train.artifact import read_artifact, verify
from train.data import read_prompt_keys
from train.errors import ExportError, LaunchError, PairsError, RecipeError, TrainError
from train.files import sha256_file
from train.launch import environment
from train.pairs.keys import prompt_key
from train.stage import train
from train.tiny.world import pair_rows, to_jsonl


def attempt(path: Path, folder: Path) -> list[str]:
    said: list[str] = []
    train(str(path), models=folder / "models", env=train_python().parents[1], say=said.append)
    return said


@pytest.mark.train
@pytest.mark.slow
def test_a_recipe_becomes_a_model_once(tmp_path: Path) -> None:
    python = train_python()
    subprocess.run(
        [str(python), "-m", "train.tiny.blank", str(tmp_path / "world")],
        check=True, capture_output=True, cwd=ROOT, env=environment(python.parents[1], offline=True),
    )  # fmt: skip
    rows = pair_rows()[:16]
    rows[0]["chosen"]["content"] += "\n"
    (tmp_path / "pairs.jsonl").write_text(to_jsonl(rows), encoding="utf-8")
    path = recipe(tmp_path, tmp_path / "world" / "blank")

    said = attempt(path, tmp_path)
    model = tmp_path / "models" / "mine"
    made = read_artifact(model)
    verify(model)
    assert f"{tmp_path / 'pairs.jsonl'}: 16 pairs read and checked" in said
    assert "  note: 1 row had white space at the ends of a text; it was removed" in said
    assert made.name == "mine"
    assert made.metrics["train_loss"] > 0
    assert made.metrics.keys() >= {"train_runtime", "rewards/margins"}
    assert made.versions.keys() == {"axolotl", "transformers", "trl", "torch", "blindside"}
    assert made.base.weights_sha256 != made.weights_sha256
    assert read_prompt_keys(model) == {prompt_key(row["messages"]) for row in rows}
    assert load(model / "config.json")["rope_theta"] == 1_000_000.0
    assert load(model / "config.json")["use_cache"] is True
    assert load(model / "generation_config.json")["eos_token_id"] == [1023, 1021]
    assert load(model / "tokenizer_config.json")["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert (tmp_path / "output" / "model.safetensors").exists()

    log = (tmp_path / "models" / "mine.work" / "train.log").read_bytes()
    assert attempt(path, tmp_path) == [f"{model} is up to date (recipe, data and base unchanged)"]
    assert (tmp_path / "models" / "mine.work" / "train.log").read_bytes() == log

    assert made.config_sha256 == sha256_file(model / "config.json")
    assert made.generation_config_sha256 == sha256_file(model / "generation_config.json")

    # Weights that are not those of blindside.json are no finished model, and a broken pair stops the next try.
    (model / "model.safetensors").write_bytes(b"")
    with (tmp_path / "pairs.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({**rows[1], "rejected": rows[1]["chosen"]}) + "\n")
    with pytest.raises(PairsError, match=r"pairs\.jsonl:17: chosen and rejected are the same text"):
        attempt(path, tmp_path)


def fake_training(folder: Path) -> Path:
    """An environment whose `axolotl` copies a prepared output: what is tested is everything around the training."""
    output, site = folder / "prepared", folder / "env" / "lib" / "python3.11" / "site-packages"
    hf5_folder(output, fill=1)
    (folder / "env" / "bin").mkdir(parents=True)
    program = folder / "env" / "bin" / "axolotl"
    program.write_text(
        f'#!/bin/sh\nset -e\necho "$1" >> {folder}/calls\nto=$(sed -n \'s/^output_dir: //p\' "$2")\n'
        f'[ "$1" = merge-lora ] && to="$to/merged"\nmkdir -p "$to"\ncp {output}/* "$to"/\n'
        "echo \"{'train_loss': '0.5'}\"\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    for name in ("axolotl", "transformers", "trl", "torch"):
        (site / f"{name}-1.0.dist-info").mkdir(parents=True)
        (site / f"{name}-1.0.dist-info" / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8"
        )
    return folder / "env"


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    """A recipe, and an environment that takes no time."""
    (tmp_path / "pairs.jsonl").write_text(to_jsonl(pair_rows()[:8]), encoding="utf-8")
    return recipe(tmp_path, hf5_folder(tmp_path / "base")), fake_training(tmp_path)


def calls(path: Path) -> list[str]:
    return (path.parent / "calls").read_text(encoding="ascii").split()


def test_what_changed_is_trained_again_and_nothing_else(small: tuple[Path, Path]) -> None:
    path, env = small
    models = path.parent / "models"
    first = train(str(path), models=models, env=env, say=lambda _: None)
    assert train(str(path), models=models, env=env, say=lambda _: None) == first
    assert calls(path) == ["train"]

    path.write_text("# a remark changes nothing\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert train(str(path), models=models, env=env, say=lambda _: None) == first
    (path.parent / "pairs.jsonl").write_text(to_jsonl(pair_rows()[:9]), encoding="utf-8")
    second = train(str(path), models=models, env=env, say=lambda _: None)
    assert second.inputs_sha256 != first.inputs_sha256
    recipe(path.parent, path.parent / "base", learning_rate=1e-5)
    train(str(path), models=models, env=env, say=lambda _: None)
    edit(path.parent / "base" / "config.json", rms_norm_eps=1e-5)
    edit(path.parent / "prepared" / "config.json", rms_norm_eps=1e-5)
    train(str(path), models=models, env=env, say=lambda _: None)
    train(str(path), models=models, env=env, force=True, say=lambda _: None)
    assert calls(path) == ["train"] * 5


def test_an_adapter_is_merged_before_it_is_exported(small: tuple[Path, Path]) -> None:
    path, env = small
    recipe(path.parent, path.parent / "base", adapter="lora")
    said: list[str] = []
    made = train(str(path), models=path.parent / "models", env=env, say=said.append)
    assert calls(path) == ["train", "merge-lora"]
    assert (path.parent / "models" / made.name / "model.safetensors").exists()
    assert "Axolotl merges the adapter into the base" in said


def test_a_training_that_fails_leaves_no_model(small: tuple[Path, Path]) -> None:
    path, env = small
    (env / "bin" / "axolotl").write_text("#!/bin/sh\necho 'ValueError: no'\nexit 1\n", encoding="utf-8")
    with pytest.raises(LaunchError, match=r"failed on mine\.yml: ValueError: no"):
        train(str(path), models=path.parent / "models", env=env, say=lambda _: None)
    assert [p.name for p in (path.parent / "models").iterdir()] == ["mine.work"]


def test_columns_are_compared_before_anything_is_trained(small: tuple[Path, Path]) -> None:
    path, env = small
    path.write_text(
        path.read_text(encoding="utf-8").replace("field_messages: messages", "field_messages: conversation"),
        encoding="utf-8",
    )
    with pytest.raises(RecipeError, match="set field_messages: messages"):
        train(str(path), models=path.parent / "models", env=env, say=lambda _: None)
    assert not (path.parent / "calls").exists()


def test_what_the_base_was_trained_on_counts_too(small: tuple[Path, Path]) -> None:
    path, env = small
    (path.parent / "base" / "training_prompts.txt").write_text("a" * 64 + "\n", encoding="ascii")
    train(str(path), models=path.parent / "models", env=env, say=lambda _: None)
    keys = read_prompt_keys(path.parent / "models" / "mine")
    assert "a" * 64 in keys
    assert len(keys) == 9


def test_an_export_that_fails_costs_no_training(small: tuple[Path, Path]) -> None:
    path, env = small
    recipe(path.parent, path.parent / "base", output_dir=str(path.parent / "models" / "mine.work" / "output"))
    models, said = path.parent / "models", list[str]()
    models.mkdir()
    (models / "mine").symlink_to(path.parent / "a-volume-that-is-not-mounted")
    with pytest.raises(
        ExportError, match=r"mine cannot be made .*the training is kept, and the same command continues"
    ):
        train(str(path), models=models, env=env, say=lambda _: None)
    (models / "mine").unlink()
    made = train(str(path), models=models, env=env, say=said.append)
    assert calls(path) == ["train"]
    assert any(line.startswith("mine is trained already (") for line in said)
    verify(models / "mine")
    assert made.metrics == {"train_loss": 0.5}
    assert made.versions["axolotl"] == "1.0"
    assert not list((models / "mine.work").rglob("*.safetensors"))
    assert train(str(path), models=models, env=env, say=lambda _: None) == made
    assert not list((models / "mine.work").glob("*.trained.json"))


@pytest.mark.parametrize("spoilt", ["weights", "recipe", "force"])
def test_only_the_very_training_that_was_kept_is_gone_on_with(small: tuple[Path, Path], spoilt: str) -> None:
    path, env = small
    models = path.parent / "models"
    models.mkdir()
    (models / "mine").symlink_to(path.parent / "a-volume-that-is-not-mounted")
    with pytest.raises(ExportError, match="the training is kept"):
        train(str(path), models=models, env=env, say=lambda _: None)
    (models / "mine").unlink()
    if spoilt == "weights":
        write_weights(path.parent / "output" / "model.safetensors", SHAPES, fill=3)
    elif spoilt == "recipe":
        recipe(path.parent, path.parent / "base", learning_rate=1e-5)
    train(str(path), models=models, env=env, say=lambda _: None, force=spoilt == "force")
    assert calls(path) == ["train", "train"]


@pytest.mark.parametrize("name", ["tokenizer.json", "chat_template.jinja", "config.json"])
def test_a_base_that_cannot_be_exported_is_refused_before_it_is_trained(small: tuple[Path, Path], name: str) -> None:
    path, env = small
    base = path.parent / "base"
    if name == "tokenizer.json":
        (base / name).unlink()
    elif name == "config.json":
        edit(base / name, vocab_size=None)
    else:
        (base / name).write_text("{{ messages }}", encoding="utf-8")
        edit(base / "tokenizer_config.json", chat_template="{{ something_else }}")
    with pytest.raises(TrainError, match=r"^export: .*(vocab_size|two chat templates|has no tokenizer\.json)"):
        train(str(path), models=path.parent / "models", env=env, say=lambda _: None)
    assert not (path.parent / "calls").exists()


def _killed_in_its_merge(path: Path, models: Path) -> None:
    """`blindside train`, killed when the training is over and what comes after it has begun."""
    command = [
        str(BLINDSIDE),
        "train",
        str(path),
        "--models",
        str(models),
        "--train-env",
        str(train_python().parents[1]),
    ]
    record = models / f"{path.stem}.work" / f"{path.stem}.trained.json"
    with subprocess.Popen(command, cwd=ROOT) as process:
        while not record.exists():
            assert process.poll() is None, "it ended before the training did"
            time.sleep(0.05)
        process.kill()
    assert not (models / path.stem).exists()


@pytest.mark.train
@pytest.mark.slow
def test_a_stage_killed_after_the_training_goes_on_without_training_again(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text(to_jsonl(pair_rows()[:8]), encoding="utf-8")
    shutil.copytree(HF5.with_name("model"), tmp_path / "base")
    path = recipe(tmp_path, tmp_path / "base", adapter="lora", lora_r=8, lora_alpha=16, lora_target_linear=True)
    models = tmp_path / "models"
    _killed_in_its_merge(path, models)
    adapter = tmp_path / "output" / "adapter_model.safetensors"
    before = adapter.read_bytes(), adapter.stat().st_mtime_ns
    log = models / "mine.work" / "train.log"
    ended = log.read_bytes().count(b"train_runtime")
    assert ended

    said = attempt(path, tmp_path)
    assert f"mine is trained already ({tmp_path / 'output'}); the remaining steps follow" in said
    assert (adapter.read_bytes(), adapter.stat().st_mtime_ns) == before
    assert log.read_bytes().count(b"train_runtime") == ended
    verify(models / "mine")
    made = read_artifact(models / "mine")
    assert made.metrics["train_loss"] > 0
    assert made.weights_sha256 != made.base.weights_sha256


@pytest.mark.train
def test_a_data_set_that_the_hub_does_not_give_is_one_sentence(tmp_path: Path) -> None:
    path = recipe(tmp_path, hf5_folder(tmp_path / "base"))
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["datasets"][0]["path"] = "nobody/no-such-data-set"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(RecipeError) as caught:
            attempt(path, tmp_path)
    assert str(caught.value).startswith("the data set nobody/no-such-data-set cannot be fetched from the Hub: ")
    assert "\n" not in str(caught.value)
