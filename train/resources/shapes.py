"""The size of a model, from its config.json: local, cached, on the Hub, or guessed from its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.resources.machine import parameters


@dataclass(frozen=True)
class Shape:
    """A decoder with gated MLPs. `query` and `key_value` are the widths of those projections, all heads together."""

    hidden: int
    layers: int
    intermediate: int
    vocab: int
    heads: int
    query: int
    key_value: int
    tied: bool = False
    experts: int = 1

    @property
    def matrices(self) -> dict[str, tuple[int, int]]:
        """Width in and width out of each linear projection of one layer, by the name that recipes use."""
        attention = {
            "q_proj": (self.hidden, self.query),
            "k_proj": (self.hidden, self.key_value),
            "v_proj": (self.hidden, self.key_value),
            "o_proj": (self.query, self.hidden),
        }
        up, down = (self.hidden, self.intermediate), (self.intermediate, self.hidden)
        return attention | {"gate_proj": up, "up_proj": up, "down_proj": down}

    @property
    def linear(self) -> int:
        """Parameters of all layers' projections: what a quantised model holds in few bits."""
        sizes = {name: wide * high for name, (wide, high) in self.matrices.items()}
        mlp = sum(sizes.pop(name) for name in ("gate_proj", "up_proj", "down_proj"))
        return self.layers * (sum(sizes.values()) + self.experts * mlp)

    @property
    def embedding(self) -> int:
        """Parameters of the input embedding, and of the output's where it has its own."""
        return self.vocab * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        return self.linear + self.embedding + self.hidden * (2 * self.layers + 1)


@dataclass(frozen=True)
class FoundShape:
    """A shape, and where it is from."""

    shape: Shape
    source: str


#: As published, so that a recipe of ours is weighed where there is no network.
KNOWN = {
    "models/tiny-base": Shape(192, 4, 512, 1024, 6, 192, 64, tied=True),
    "Qwen/Qwen2.5-3B-Instruct": Shape(2048, 36, 11008, 151936, 16, 2048, 256, tied=True),
    "Qwen/Qwen2.5-7B-Instruct": Shape(3584, 28, 18944, 152064, 28, 3584, 512),
    "Qwen/Qwen2.5-14B-Instruct": Shape(5120, 48, 13824, 152064, 40, 5120, 1024),
    "Qwen/Qwen2.5-32B-Instruct": Shape(5120, 64, 27648, 152064, 40, 5120, 1024),
    "HuggingFaceTB/SmolLM2-135M-Instruct": Shape(576, 30, 1536, 49152, 9, 576, 192, tied=True),
}


def read_shape(config: Mapping[str, Any]) -> Shape | None:
    """From the content of a config.json; None where it is of another kind of model."""
    config = config.get("text_config") or config
    try:
        hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
        head = int(config.get("head_dim") or hidden // heads)
        experts = int(config.get("num_experts") or config.get("num_local_experts") or 1)
        wide = config.get("moe_intermediate_size") if experts > 1 else None
        return Shape(
            hidden=hidden,
            layers=int(config["num_hidden_layers"]),
            intermediate=int(wide or config["intermediate_size"]),
            vocab=int(config["vocab_size"]),
            heads=heads,
            query=heads * head,
            key_value=int(config.get("num_key_value_heads") or heads) * head,
            tied=bool(config.get("tie_word_embeddings", False)),
            experts=experts,
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def guess_shape(model: str) -> Shape | None:
    """A usual model of the size that the name tells; None where it tells none."""
    count = parameters(model)
    if count is None:
        return None
    layers = max(2, round((count / 12 / 90**2) ** (1 / 3)))
    hidden = 90 * layers
    return Shape(hidden, layers, 8 * hidden // 3, 128_000, max(1, hidden // 128), hidden, hidden, tied=True)


def find_shape(
    model: str, folder: Path, revision: str | None, cache: Path, download: Callable[[], object] | None = None
) -> FoundShape | None:
    """The sizes of a recipe's base: `folder` is where a local one would lie, `cache` the Hub's cache (its `hub`).

    `download` gives the content of the Hub's config.json, and is called only where nothing here tells the sizes.
    None where nothing tells them at all.
    """
    if folder.is_dir():
        return _found(_read(folder / "config.json"), "from its config.json")
    here = _found(_read(_cached(model, revision, cache)), "from the Hub's cache")
    if here is not None:
        return here
    if model in KNOWN:
        return FoundShape(KNOWN[model], "as published")
    shape = None if download is None else _found(download(), "from the Hub")
    guess = guess_shape(model)
    return shape or (None if guess is None else FoundShape(guess, "guessed from its name"))


def saved_config(model: str, folder: Path, revision: str | None, cache: Path) -> object:
    """What the base's config.json on this disk says; None where there is none."""
    return _read(folder / "config.json" if folder.is_dir() else _cached(model, revision, cache))


def _found(config: object, source: str) -> FoundShape | None:
    shape = read_shape(config) if isinstance(config, dict) else None
    return None if shape is None else FoundShape(shape, source)


def _cached(model: str, revision: str | None, cache: Path) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, "config.json", cache_dir=cache, revision=revision)
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None


def _read(path: Path | None) -> object:
    try:
        return None if path is None else json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
