"""Estimates how much memory a recipe's training needs on one device.

Weights, gradients and optimizer states are counted as in the "Model training anatomy" page of transformers' docs, with
the types that Axolotl takes: with `bf16` or `fp16` a full fine-tune holds all of them in 2 bytes a value, so its AdamW
keeps 4 bytes per parameter; adapters are held and trained in 4. A DPO run without an adapter loads the model a
second time, frozen. 4-bit weights take 4.5 bits with their scales (QLoRA, arXiv 2305.14314), embeddings stay whole.

Activations follow arXiv 2205.05198 (Korthikanti and others) for a decoder with a gated MLP, no dropout and no
materialised attention matrix: 12 h + 4 i values a token and layer; with gradient checkpointing only each layer's input
is kept, and one layer's values and their gradients at a time.

The logits are what is forgotten: tokens × vocabulary, in 4 bytes, with their gradients. Peak memory of TRL 1.9's DPO
loss was measured as 12.3 bytes a logit, of a cross-entropy as 16.0 (150,000 words, on a CPU; 64 against 192 tokens).
A DPO batch is each chosen and each rejected answer, so twice the micro batch. All is reckoned at `sequence_len`; TRL
pads pairs to the longest of their batch, so shorter ones need less.

Spread over GPUs, what is divided is counted as in ZeRO (arXiv 1910.02054, section 3): DeepSpeed holds weights and
gradients in 2 bytes and, for a bf16 training, the optimizer's own weights and states in 4 each. FSDP2 as Axolotl runs
it keeps the types that are trained without it; its root holds the embeddings whole while a step runs. Tensor
parallelism divides 7 h + 4 i of a layer's values, leaves 5 h whole (arXiv 2205.05198, section 4.2), and the embeddings.

Held against real runs of Axolotl 0.19 (DPO on a CPU, 63 million parameters, 50,000 words, pairs of 950 tokens): with
gradient checkpointing 4.16 GiB reckoned and 4.14 taken, without it 5.07 and 5.05. On a GPU it was not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from train.recipe import Recipe
from train.resources.shapes import Shape
from train.resources.sharding import Kind, Spread, read_spread, saves_activations

GIB = 1 << 30
#: Bytes: CUDA's context, kernels' workspaces and what the allocator cannot use; on a CPU Python with its libraries.
SLACK = 1.7e9
LOGIT_OF_PAIRS, LOGIT = 12.3, 16.0
#: Parameters that DeepSpeed's third stage leaves on a GPU at a time, where its file says nothing (its default).
LIVE = 1_000_000_000
_IN_PAIRS = ("dpo", "ipo", "kto", "orpo", "simpo")
_WITH_REFERENCE = ("dpo", "ipo", "kto")
_FUSED = ("dpo_use_liger_kernel", "liger_fused_linear_cross_entropy", "cut_cross_entropy")


@dataclass(frozen=True)
class Part:
    """`size` in bytes. A `fixed` part is there whatever the length of the texts."""

    name: str
    size: float
    how: str
    fixed: bool = True


@dataclass(frozen=True)
class Estimate:
    """What one device must hold at the worst moment."""

    parts: tuple[Part, ...]

    @property
    def total(self) -> float:
        return sum(part.size for part in self.parts)

    @property
    def fixed(self) -> float:
        """The least that it can be: without activations and logits."""
        return sum(part.size for part in self.parts if part.fixed)

    def table(self) -> list[str]:
        """A line a part, in GiB."""
        rows = [(part.name, part.size, part.how) for part in self.parts if part.size >= 0.005 * GIB]
        rows.append(("in all", self.total, "at the full sequence_len; shorter texts need less"))
        return [f"{name:<16}{size / GIB:8.2f} GiB   {how}" for name, size, how in rows]


def estimate(recipe: Recipe, shape: Shape, *, gpu: bool, gpus: int = 1) -> Estimate:
    """What the recipe needs for a model of this shape on each of `gpus` GPUs, or on the CPU."""
    config = recipe.config
    size = value_size(config, gpu=gpu)
    spread = read_spread(config, gpus if gpu else 1)
    whole = _adapter_parts(config, shape, size) if recipe.has_adapter else _full_parts(config, shape, size, spread.kind)
    fixed = [*(_divided(part, shape, spread) for part in whole), *_gathered(config, shape, size, spread)]
    return Estimate(
        (*fixed, *_of_the_texts(config, shape, size, spread), Part("slack", SLACK, "libraries and kernels"))
    )


def _divided(part: Part, shape: Shape, spread: Spread) -> Part:
    """A GPU's share of a part of the whole model."""
    held = (
        spread.gradients if part.name == "gradients" else spread.states if part.name == "optimizer" else spread.weights
    )
    outside = spread.states_outside if part.name == "optimizer" else spread.weights_outside and part.name != "reference"
    linear = shape.linear / shape.parameters
    tensor = 1 - linear + linear / spread.tensor
    how = f"{part.how}; {spread.words()}" if held * spread.tensor > 1 and not outside else part.how
    if outside:
        return Part(part.name, 0.0, part.how)
    return Part(part.name, part.size * tensor / held, how)


def _gathered(config: Mapping[str, Any], shape: Shape, size: int, spread: Spread) -> list[Part]:
    """What is whole for the time of a step where weights are sharded: layers at work, and FSDP's root."""
    if spread.weights == 1 and not spread.weights_outside:
        return []
    if spread.kind == "fsdp":
        layers = 2 * shape.linear / shape.layers / spread.tensor * (4.5 / 8 if _is_4bit(config) else size)
        return [Part("gathered", layers + shape.embedding * size, "two layers, and the embeddings")]
    live = min(shape.parameters, LIVE)
    return [Part("gathered", live * size, f"{_spelt(live)} parameters at work (stage3_max_live_parameters)")]


def value_size(config: Mapping[str, Any], *, gpu: bool) -> int:
    """Bytes a value: 2 in half precision. `auto` is bf16 on a GPU and float32 on a CPU."""
    half = any(config.get(name) in (True, "true", "full") for name in ("bf16", "fp16", "bfloat16", "float16"))
    return 2 if half or (config.get("bf16") == "auto" and gpu) else 4


def wants_gpu(config: Mapping[str, Any]) -> bool:
    """Whether the recipe asks for what a GPU is made for: what a CPU has not, or 4-bit weights, which it is slow at."""
    return _is_4bit(config) or needs_gpu(config)


def needs_gpu(config: Mapping[str, Any]) -> bool:
    """Whether the recipe asks for what a CPU has not: 8-bit weights, flash attention, half precision, paged states."""
    return (
        bool(config.get("load_in_8bit"))
        or "flash" in str(config.get("attn_implementation"))
        or "paged" in str(config.get("optimizer"))
        or value_size(config, gpu=True) == 2
    )


def _full_parts(config: Mapping[str, Any], shape: Shape, size: int, kind: Kind) -> list[Part]:
    count = shape.parameters
    each = f"{size} bytes per parameter"
    states = _state_size(config, size) if not kind.startswith("zero") or size == 4 else 4 + _state_size(config, 4)
    parts = [Part("weights", count * size, f"{_spelt(count)} parameters, {each}")]
    if config.get("rl") in _WITH_REFERENCE and not config.get("precompute_ref_log_probs"):
        parts.append(Part("reference", count * size, f"the same again, for {str(config['rl']).upper()}"))
    parts.append(Part("gradients", count * size, each))
    parts.append(Part("optimizer", count * states, f"{config.get('optimizer')}, {states} bytes per parameter"))
    return parts


def _adapter_parts(config: Mapping[str, Any], shape: Shape, size: int) -> list[Part]:
    bits = 4.5 if _is_4bit(config) else 8 if config.get("load_in_8bit") else 8 * size
    whole = 4 if bits < 16 else size  # what is not quantised is lifted to float32
    frozen = shape.linear * bits / 8 + (shape.parameters - shape.linear) * whole
    trained = _trained(config, shape)
    states = 4 + 4 + _state_size(config, 4)
    return [
        Part("weights", frozen, f"{_spelt(shape.parameters)} parameters, frozen, {bits:g} bits per weight"),
        Part("adapter", trained * states, f"{_spelt(trained)} parameters with gradients and optimizer"),
    ]


def _spelt(count: int) -> str:
    return f"{count / 1e9:.2f} billion" if count >= 1e9 else f"{count / 1e6:.3g} million"


def _is_4bit(config: Mapping[str, Any]) -> bool:
    return bool(config.get("load_in_4bit")) or config.get("adapter") == "qlora"


def _trained(config: Mapping[str, Any], shape: Shape) -> int:
    named = config.get("lora_target_modules")
    chosen = {name.rpartition(".")[2] for name in named} if isinstance(named, list) else set(shape.matrices)
    ends = sum(sum(ends) for name, ends in shape.matrices.items() if name in chosen)
    return shape.layers * int(config.get("lora_r") or 8) * ends


def _state_size(config: Mapping[str, Any], size: int) -> int:
    """Bytes of optimizer states a trained parameter; AdamW's where the optimizer is not known."""
    name = str(config.get("optimizer") or "adamw_torch").lower()
    if name.startswith(("sgd", "adafactor")):
        return 0
    one = 1 if "8bit" in name or "fp8" in name else size
    return one if "lion" in name or "muon" in name else 2 * one


def _of_the_texts(config: Mapping[str, Any], shape: Shape, size: int, spread: Spread) -> list[Part]:
    length = int(config.get("sequence_len") or 2048)
    pairs = config.get("rl") in _IN_PAIRS
    batch = int(config.get("micro_batch_size") or 1) * (2 if pairs else 1)
    tokens = batch * length // spread.context
    said = f"{batch} × {length:,} tokens" + (f" over {spread.context}" if spread.context > 1 else "")
    kept, how = _activations(config, shape, tokens, length * length * batch // spread.context, spread.tensor)
    logits = 0.0 if any(config.get(name) for name in _FUSED) else tokens * shape.vocab
    return [
        Part("activations", kept * size, f"{said}, {how}", fixed=False),
        Part("logits", logits * (LOGIT_OF_PAIRS if pairs else LOGIT), f"{said} × {shape.vocab:,} words", fixed=False),
    ]


def _activations(config: Mapping[str, Any], shape: Shape, tokens: int, squares: int, tensor: int) -> tuple[float, str]:
    """Values that are held between forward and backward, and in words how."""
    one = tokens * (5 * shape.hidden + (7 * shape.hidden + 4 * shape.intermediate) / tensor)
    if config.get("attn_implementation") == "eager":
        one += 2 * shape.heads * squares / tensor
    if saves_activations(config):
        return shape.layers * tokens * shape.hidden + 2 * one, "gradient checkpointing"
    return shape.layers * one, "no gradient checkpointing"
