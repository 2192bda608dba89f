"""Machines and recipes as the doctor's tests need them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from blindside.gpus import Gpu
from train.doctor.doctor import Machine, examine
from train.recipe import Recipe, find_recipe, read_recipe
from train.resources.findings import Finding
from train.resources.gpus import Engine
from train.resources.memory import GIB

FULL, QLORA, SMALL = "qwen2.5-3b-dpo", "qwen2.5-3b-qlora-dpo", "smollm2-135m-dpo"


H100 = Gpu(0, "NVIDIA H100 80GB HBM3", 81559 << 20, 81079 << 20, (9, 0))


A6000 = Gpu(0, "NVIDIA RTX A6000", 49140 << 20, 48500 << 20, (8, 6))


T4 = Gpu(0, "Tesla T4", 15360 << 20, 15100 << 20, (7, 5))


GPU_ENGINE = Engine("28.0", gpu_runtime=True)


TINY = {
    "hidden_size": 192,
    "num_hidden_layers": 4,
    "intermediate_size": 512,
    "vocab_size": 1024,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
}


def machine(*gpus: Gpu, **changes: Any) -> Machine:
    return dataclasses.replace(Machine(gpus, (13, 0), GPU_ENGINE, 32 * GIB), **changes)


def recipe(name: str, **changes: Any) -> Recipe:
    found = read_recipe(find_recipe(name))
    return Recipe(found.name, found.path, {**found.config, **changes}, found.datasets)


def ask(asked: Recipe | None, seen: Machine, tmp_path: Path, **changes: Any) -> dict[str, Finding]:
    told = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"} | changes.pop("variables", {})
    options = {"models": tmp_path, "workspace": tmp_path / "none"} | changes
    return {one.name: one for one in examine(asked, machine=seen, variables=told, **options)}


CONFIG = {
    "hidden_size": 64,
    "num_attention_heads": 2,
    "num_hidden_layers": 3,
    "intermediate_size": 128,
    "vocab_size": 99,
}
