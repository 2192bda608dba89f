"""An adapter by Axolotl on the tiny model: trained, merged, exported, served, and parity holds of both sides."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from compose.embedded_stack import EmbeddedStack
from compose.stack import Model
from eval.collect.parity.parity import check_parity
from eval.records import Message, Prompt, Side
from eval.run_info import ModelInfo
from tests.compose.servers import MODEL
from train.artifact import hash_weights, read_artifact, verify
from train.files import sha256_file
from train.recipe import RECIPES
from train.resources.gpus import chosen_gpus
from train.stage import train

#: A rate that moves answers within these few steps.
LORA = {
    "adapter": "lora", "lora_r": 8, "lora_alpha": 16, "lora_dropout": 0.0, "lora_target_linear": True, "max_steps": 4,
    "micro_batch_size": 4, "learning_rate": 5.0e-3, "lr_scheduler": "constant", "warmup_steps": 0, "logging_steps": 1,
}  # fmt: skip
#: The same over 4-bit weights (NF4), which bitsandbytes trains on a CPU too.
QLORA = {**LORA, "adapter": "qlora", "load_in_4bit": True}
CAPITALS = {
    "Croatia": "Zagreb", "Portugal": "Lisbon", "France": "Paris", "Norway": "Oslo", "Italy": "Rome", "Spain": "Madrid",
    "Austria": "Vienna", "Greece": "Athens", "Poland": "Warsaw", "Japan": "Tokyo", "Egypt": "Cairo", "Peru": "Lima",
    "Cuba": "Havana", "Kenya": "Nairobi", "Chile": "Santiago", "Ireland": "Dublin",
}  # fmt: skip


def _question(country: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"What is the capital of {country}?"}]


def write_pairs(path: Path) -> None:
    """Brief answers over wordy ones."""
    rows = [
        {
            "messages": _question(country),
            "chosen": {"role": "assistant", "content": f"{city}."},
            "rejected": {"role": "assistant", "content": f"Let me think. The capital of {country} is {city}."},
        }
        for country, city in CAPITALS.items()
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _recipe(folder: Path, base: Path, adapter: dict[str, object]) -> Path:
    """The tiny DPO recipe with an adapter, and its pairs."""
    write_pairs(folder / "pairs.jsonl")
    config = yaml.safe_load((RECIPES / "tiny.yml").read_text(encoding="utf-8"))
    config["datasets"][0]["path"] = str(folder / "pairs.jsonl")
    config |= {"base_model": str(base), "output_dir": str(folder / "output"), **adapter}
    path = folder / "adapter.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _info(folder: Path) -> ModelInfo:
    return ModelInfo(name=folder.name, source=str(folder), template_sha256=sha256_file(folder / "chat_template.jinja"))


@pytest.mark.slow
@pytest.mark.train
@pytest.mark.parametrize("adapter", [LORA, QLORA], ids=["lora", "qlora"])
def test_an_adapter_is_merged_exported_and_served_as_it_was_trained(
    adapter: dict[str, object], warm: Path, tmp_path: Path
) -> None:
    base, models = tmp_path / "base", tmp_path / "models"
    shutil.copytree(MODEL, base)
    said: list[str] = []
    made = train(str(_recipe(tmp_path, base, adapter)), models=models, env=warm.parents[1], say=said.append)
    tuned = models / "adapter"
    assert "Axolotl merges the adapter into the base" in said
    assert (tmp_path / "output" / "adapter_model.safetensors").exists()
    slow = "GPU: none that nvidia-smi lists; 4-bit weights train on the CPU, slowly"
    assert any(slow in line for line in said) == (adapter is QLORA and not chosen_gpus())
    assert "quantization_config" not in json.loads((tuned / "config.json").read_text(encoding="utf-8"))
    assert read_artifact(tuned) == made
    verify(tuned)
    assert made.weights_sha256 == hash_weights(tuned) != hash_weights(base) == made.base.weights_sha256

    folders: dict[Side, Path] = {"base": base, "tuned": tuned}
    prompts = [
        Prompt(id=country, messages=tuple(map(Message.model_validate, _question(country))))
        for country in list(CAPITALS)[:4]
    ]
    sides = [Model(side, str(folder)) for side, folder in folders.items()]
    with EmbeddedStack(sides, python=warm, logs=tmp_path / "logs") as stack:
        report = check_parity(
            {side: stack.urls[side] for side in folders},
            {side: _info(folder) for side, folder in folders.items()},
            prompts,
            python=warm,
            say=lambda line: None,
        )
    assert report.passed, report.lines()
    assert not report.unchecked
    # Each server's log-probabilities were held against both folders' weights, so the two are reported apart.
    weights = {check.side: check.detail for check in report.checks if check.name == "weights"}
    assert "to tuned's" in weights["base"]
    assert "to base's" in weights["tuned"]
