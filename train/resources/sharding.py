"""How a recipe spreads a training over GPUs: FSDP, DeepSpeed, tensor and context parallelism.

As Axolotl reads them: what FSDP shards goes over all GPUs but for replicas (`dp_replicate_size`); tensor parallelism
splits each layer's matrices, context parallelism the tokens of each text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from blindside.places import CODE, workspace

Kind = Literal["", "fsdp", "zero1", "zero2", "zero3"]
#: Rows of the doctor's table: what they are called, and what a recipe says for them.
_PLAIN: dict[str, Any] = {
    "fsdp": None,
    "fsdp_config": None,
    "deepspeed": None,
    "tensor_parallel_size": 1,
    "context_parallel_size": 1,
}


@dataclass(frozen=True)
class Spread:
    """`shards` is over how many GPUs `kind` divides what it divides; `tensor` and `context` are further divisions."""

    kind: Kind = ""
    shards: int = 1
    tensor: int = 1
    context: int = 1
    #: Whether weights, gradients and optimizer states, or the optimizer's alone, lie in the machine's memory.
    weights_outside: bool = False
    states_outside: bool = False

    @property
    def weights(self) -> int:
        return self.shards if self.kind in ("fsdp", "zero3") else 1

    @property
    def gradients(self) -> int:
        return self.shards if self.kind in ("fsdp", "zero2", "zero3") else 1

    @property
    def states(self) -> int:
        return self.shards if self.kind else 1

    def words(self) -> str:
        """What is divided, for a person; empty where nothing is."""
        names = {"fsdp": "FSDP", "zero1": "ZeRO-1", "zero2": "ZeRO-2", "zero3": "ZeRO-3"}
        parts = [f"{names[self.kind]} over {self.shards}"] if self.kind and self.shards > 1 else []
        parts += [f"tensor parallel {self.tensor}"] if self.tensor > 1 else []
        return ", ".join([*parts, *([f"context parallel {self.context}"] if self.context > 1 else [])])


def read_spread(config: Mapping[str, Any], gpus: int) -> Spread:
    """What the recipe does on this many GPUs, all machines together."""
    tensor = min(_size(config, "tensor_parallel_size"), gpus)
    context = min(_size(config, "context_parallel_size") * _size(config, "sequence_parallel_degree"), gpus)
    split = Spread(tensor=tensor, context=context)
    if config.get("fsdp") or config.get("fsdp_config"):
        named = int(config.get("dp_shard_size") or 0) * context
        shards = named or gpus // (tensor * _size(config, "dp_replicate_size"))
        outside = bool((config.get("fsdp_config") or {}).get("offload_params"))
        return replace(split, kind="fsdp", shards=max(1, shards), weights_outside=outside, states_outside=outside)
    if config.get("deepspeed"):
        return _deepspeed(config["deepspeed"], replace(split, shards=max(1, gpus // tensor)))
    return split


def deepspeed_file(given: str) -> Path | None:
    """The file that a recipe names, from the project's root or, for ours, from the code; None where there is none."""
    places = (workspace() / given, CODE / given)
    return next((path for path in places if path.is_file()), None)


def ways(config: Mapping[str, Any], gpus: int) -> dict[str, dict[str, Any]]:
    """By name, the recipe's fields for each usual way to spread it over this many GPUs."""
    by_name: dict[str, dict[str, Any]] = {
        "no sharding": {},
        "ZeRO-2": {"deepspeed": {"zero_optimization": {"stage": 2}}},
        "ZeRO-3": {"deepspeed": {"zero_optimization": {"stage": 3}}},
        "FSDP2": {"fsdp_config": {"fsdp_version": 2}},
        "FSDP2, context parallel": {"fsdp_config": {"fsdp_version": 2}, "context_parallel_size": gpus},
        "FSDP2, tensor parallel 2": {"fsdp_config": {"fsdp_version": 2}, "tensor_parallel_size": 2},
        "tensor parallel": {"tensor_parallel_size": gpus},
    }
    kept = {"gradient_checkpointing": True} if saves_activations(config) else {}
    return {name: {**config, **_PLAIN, **kept, **fields} for name, fields in by_name.items()}


def saves_activations(config: Mapping[str, Any]) -> bool:
    """Whether layers are computed once more in the backward pass, by whichever of Axolotl's two fields."""
    return bool(
        config.get("gradient_checkpointing") or (config.get("fsdp_config") or {}).get("activation_checkpointing")
    )


def _size(config: Mapping[str, Any], name: str) -> int:
    return max(1, int(config.get(name) or 1))


def _deepspeed(given: object, spread: Spread) -> Spread:
    zero = _zero(given)
    stage = int(zero.get("stage") or 0)
    kinds: dict[int, Kind] = {1: "zero1", 2: "zero2", 3: "zero3"}
    return replace(
        spread,
        kind=kinds.get(stage, ""),
        weights_outside=_is_outside(zero.get("offload_param")),
        states_outside=_is_outside(zero.get("offload_optimizer")),
    )


def _zero(given: object) -> Mapping[str, Any]:
    """DeepSpeed's zero_optimization: as given, from the file, or by what the file's name says."""
    if isinstance(given, str):
        path = deepspeed_file(given)
        stage = next((number for number in (1, 2, 3) if f"zero{number}" in given), 0)
        given = {"zero_optimization": {"stage": stage}} if path is None else _read(path)
    found = given.get("zero_optimization") if isinstance(given, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _is_outside(given: object) -> bool:
    return isinstance(given, Mapping) and given.get("device") in ("cpu", "nvme")
