"""What `eval` takes from `models/`: the two sides, and a base that servers can read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from eval.cli.training.model_folder import GENERAL_PROMPTS, TrainedModel, prompts_named
from eval.errors import RunError
from tests.support import ROOT
from tests.train.models import edit
from train.artifact import Artifact, Base, hash_weights, read_artifact, utc_seconds, write_artifact
from train.errors import TrainError
from train.files import sha256_file
from train.pairs.keys import prompt_key

DATA = ROOT / "tests" / "data" / "tgi"


def trained(tmp_path: Path, base: str, *, revision: str | None = None) -> Path:
    """A folder of models with one that was trained from `base`."""
    folder = tmp_path / "models" / "mine"
    shutil.copytree(DATA / "model", folder)
    artifact = Artifact(
        name="mine",
        base=Base(source=base, revision=revision),
        recipe="mine.yml",
        recipe_sha256="0" * 64,
        data_sha256={},
        weights_sha256=hash_weights(folder),
        template_sha256="0" * 64,
        tokenizer_sha256="0" * 64,
        versions={},
        metrics={},
        created_at=utc_seconds(),
        inputs_sha256="0" * 64,
    )
    write_artifact(folder, artifact)
    return folder.parent


@pytest.mark.parametrize(
    ("recipe", "name"), [("qwen2.5-dpo", "qwen2.5-dpo"), ("own/mine.yml", "mine"), ("mine-next.v2", "mine-next.v2")]
)
def test_a_model_is_found_by_its_name_or_its_recipe(tmp_path: Path, recipe: str, name: str) -> None:
    models = trained(tmp_path, "someone/model")
    (models / "mine").rename(models / name)
    assert TrainedModel.read(models, recipe).folder == models / name


def test_the_name_of_a_model_stands_for_its_prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = trained(tmp_path, "someone/model")
    assert prompts_named("mine", models) == str(GENERAL_PROMPTS)
    write_artifact(models / "mine", read_artifact(models / "mine").model_copy(update={"prompts": "mine.jsonl"}))
    assert prompts_named("mine", models) == "mine.jsonl"
    for source in ("other", "hub:own/mine", "mine.csv", ""):
        assert prompts_named(source, models) == source
    monkeypatch.chdir(tmp_path)
    Path("mine").write_text("a file goes before\n")
    assert prompts_named("mine", models) == "mine"


def test_a_base_of_the_hub_is_named_with_its_revision(tmp_path: Path) -> None:
    sides = TrainedModel.read(trained(tmp_path, "someone/model", revision="abc"), "mine").sides()
    assert (sides["base"].source, sides["base"].revision) == ("someone/model", "abc")
    assert sides["tuned"].weights_sha256 == hash_weights(tmp_path / "models" / "mine")


def test_a_base_that_transformers_5_saved_is_exported_before_it_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "saved"
    shutil.copytree(DATA / "model-hf5", base)
    shutil.copyfile(DATA / "model" / "model.safetensors", base / "model.safetensors")
    models = trained(tmp_path, str(base))
    source = Path(TrainedModel.read(models, "mine").sides()["base"].source)
    assert source == models / "mine.base"
    config = json.loads((source / "config.json").read_text())
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"] == 1000000.0
    assert "chat_template" in json.loads((source / "tokenizer_config.json").read_text())
    assert "exporting" in capsys.readouterr().out
    TrainedModel.read(models, "mine").sides()
    assert "exporting" not in capsys.readouterr().out
    edit(source / "export.json", rules="0" * 64)  # another version's exporter
    TrainedModel.read(models, "mine").sides()
    (source / "export.json").unlink()  # one that kept no record
    TrainedModel.read(models, "mine").sides()
    assert capsys.readouterr().out.count("exporting") == 2


def test_a_base_in_the_hubs_cache_is_exported_too_so_that_both_sides_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "c" * 40
    cache = tmp_path / "hf" / "hub" / "models--someone--model"
    shutil.copytree(DATA / "model", cache / "snapshots" / commit)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(commit)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    models = trained(tmp_path, "someone/model", revision=commit)
    base = TrainedModel.read(models, "mine").sides()["base"]
    assert (base.name, base.revision, base.source) == ("someone/model", commit, str(models / "mine.base"))
    assert hash_weights(models / "mine.base") == hash_weights(DATA / "model")
    other = trained(tmp_path / "other", "someone/model", revision="d" * 40)
    assert TrainedModel.read(other, "mine").sides()["base"].source == "someone/model"


def test_what_was_not_trained_or_was_changed_since_is_told(tmp_path: Path) -> None:
    models = trained(tmp_path, "someone/model")
    with pytest.raises(RunError, match=r"holds no trained model: run `make train RECIPE=other` first"):
        TrainedModel.read(models, "other")
    weights = models / "mine" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(TrainError, match="mine"):
        TrainedModel.read(models, "mine")


def test_both_sides_are_bound_to_the_settings_that_servers_read(tmp_path: Path) -> None:
    base = tmp_path / "saved"
    shutil.copytree(DATA / "model", base)
    models = trained(tmp_path, str(base))
    sides = TrainedModel.read(models, "mine").sides()
    for name, side in (("mine.base", sides["base"]), ("mine", sides["tuned"])):
        assert side.config_sha256 == sha256_file(models / name / "config.json")
        assert side.generation_config_sha256 == sha256_file(models / name / "generation_config.json")
    edit(models / "mine.base" / "config.json", rope_theta=10000.0)
    assert TrainedModel.read(models, "mine").sides() == sides
    assert json.loads((models / "mine.base" / "config.json").read_text())["rope_theta"] == 1000000.0


def test_prompts_that_were_trained_on_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = trained(tmp_path, "someone/model")
    key = prompt_key([{"role": "user", "content": "What is 1?"}])
    (models / "mine" / "training_prompts.txt").write_text(key + "\n")
    asked = tmp_path / "prompts.csv"
    asked.write_text("prompt\nWhat is 1?\nWhat is 2?\n")
    loaded = TrainedModel.read(models, "mine").prompts(str(asked))
    assert [prompt.messages[-1].content for prompt in loaded.prompts] == ["What is 2?"]
    assert loaded.prompt_set.in_training_data == 1
    assert "1 prompt left out: the model was trained on them" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rl", "said"),
    [
        ("dpo", "trained tokens not checked against served tokens (blindside.json has no record of it)"),
        ("orpo", None),
        (None, None),
    ],
)
def test_only_a_dpo_without_a_check_is_said_to_have_none(tmp_path: Path, rl: str | None, said: str | None) -> None:
    models, recipe = trained(tmp_path, "someone/model"), tmp_path / "mine.yml"
    recipe.write_text(f"rl: {rl}\n" if rl else "adapter: lora\n")
    made = read_artifact(models / "mine").model_copy(
        update={"recipe": str(recipe), "recipe_sha256": sha256_file(recipe)}
    )
    write_artifact(models / "mine", made)
    tokens = TrainedModel.read(models, "mine").sides()["tuned"].tokens
    assert (None if tokens is None else tokens.in_short) == said
