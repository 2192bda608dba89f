"""Limits of servers: what the user has set, tokens of a text, memory of models."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compose.command import OWN
from compose.stack import Model

LONGEST = 4096  # tokens of prompt and answer, where models and dials say nothing else
WORKSPACE = 3 << 30  # bytes beside the weights: activations, kernels, and a cache for some thousand tokens


def user_settings() -> dict[str, str]:
    """What the user has set: compose/.env, and over it the environment."""
    path = OWN / ".env"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = [line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#")]
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs} | dict(os.environ)


def limits_of(models: Sequence[Model]) -> dict[str, str]:
    """The same limit of tokens for both sides: what the shorter one takes, at most LONGEST."""
    total = min([LONGEST, *filter(None, map(_positions, models))])
    return without_user_settings({"MAX_TOTAL_TOKENS": str(total), "MAX_INPUT_TOKENS": str(total - 1)})


def without_user_settings(values: dict[str, str]) -> dict[str, str]:
    """Those that the user has not set himself."""
    own = user_settings()
    return {name: value for name, value in values.items() if not own.get(name)}


def _positions(model: Model) -> int | None:
    """How long a text the model takes, where its folder says so."""
    config = config_of(model)
    value = config.get("max_position_embeddings", config.get("text_config", {}).get("max_position_embeddings"))
    return value if isinstance(value, int) else None


def config_of(model: Model) -> dict[str, Any]:
    """What its config.json says; nothing where it is not on this disk."""
    path = Path(model.source) / "config.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found if isinstance(found, dict) else {}


def memory_needed(models: Sequence[Model]) -> int | None:
    """Bytes of both models; one of unknown size counts as the largest known; None where none is known."""
    sizes = [sum(file.stat().st_size for file in Path(model.source).glob("*.safetensors")) for model in models]
    if not any(Path(model.source).is_dir() for model in models):
        return None
    return sum((size or max(sizes)) + WORKSPACE for size in sizes)


def gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"


def memory_sentence(need: int | None) -> str:
    return "the models' size is not known" if need is None else f"both models need about {gib(need)}"
