"""What TGI 3.3 reads otherwise than transformers, recognised from config.json (docs/export.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Model types that TGI 3.3.7 serves by its flash classes, which read the list of ends in generation_config.json. For
#: others it runs transformers itself, and ends an answer at the tokenizer's eos_token alone. The first were seen on a
#: real server to end at a second token of the list; the second have the same class in TGI's source
#: (server/text_generation_server/models/__init__.py), and were not run.
_MEASURED = frozenset({"llama", "qwen2", "gemma2", "gemma3_text", "phi3"})
_BY_SOURCE = frozenset({"mistral", "mixtral", "gemma", "gemma3", "phi", "granite", "cohere", "starcoder2"})


def reads_ends(config: Mapping[str, Any]) -> bool:
    """Whether TGI ends an answer at all of generation_config.json's `eos_token_id`, where that is a list."""
    return config.get("model_type") in _MEASURED | _BY_SOURCE


def not_for_tgi(config: Mapping[str, Any]) -> str:
    """Why TGI 3.3 cannot serve a model with this config.json as what it is; empty where it can."""
    kind, partial = config.get("model_type"), _partial(config)
    if kind == "phi3" and partial < 1:
        return f"Not for TGI 3.3: partial_rotary_factor is {partial:g}, and TGI silently rotates whole heads"
    heads = int(config.get("num_attention_heads") or 0)
    usual = int(config.get("hidden_size") or 0) // heads if heads else 0
    head = config.get("head_dim") or usual
    if kind == "llama" and head != usual:
        return f"Not for TGI 3.3: head_dim is {head}, not hidden_size / heads = {usual}, and the server ends at start"
    ropes = config.get("rope_parameters") or {}
    if any(isinstance(one, dict) for one in ropes.values()) and not _rhythm(config):
        return "Not for TGI 3.3: it has one rope per kind of layer, which TGI reads for Gemma 3's regular layers only"
    return ""


def _partial(config: Mapping[str, Any]) -> float:
    rope = config.get("rope_parameters") or {}
    return float(rope.get("partial_rotary_factor") or config.get("partial_rotary_factor") or 1)


def _rhythm(config: Mapping[str, Any]) -> int | None:
    """As window_pattern, for the model types that have words for two ropes."""
    return window_pattern(config) if config.get("model_type") == "gemma3_text" else None


def window_pattern(config: Mapping[str, Any]) -> int | None:
    """Every how many layers one attends to everything; None where layer_types have no such rhythm."""
    kinds = config.get("layer_types")
    if kinds is None:
        return int(config.get("sliding_window_pattern") or 6)
    first = kinds.index("full_attention") + 1 if "full_attention" in kinds else len(kinds) + 1
    regular = all((kind == "full_attention") == (place % first == 0) for place, kind in enumerate(kinds, start=1))
    return first if regular else None
