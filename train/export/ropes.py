"""Rotary embeddings in config.json: transformers 5's form, TGI 3.3's older one, and both at once.

Pure functions from the file's content. A rope per kind of layer is Gemma 3's: full and sliding attention.
"""

from __future__ import annotations

from typing import Any

from blindside.tgi import not_for_tgi, window_pattern

Json = dict[str, Any]

FULL, SLIDING = "full_attention", "sliding_attention"
#: Model types whose older config.json has words for one rope per kind of layer.
_OWN_LOCAL = ("gemma3_text",)
#: What transformers 4 says where 5 has rope_parameters.
OLDER_KEYS = ("rope_theta", "rope_scaling", "rope_local_base_freq")
_NOT_SCALING = ("rope_theta", "partial_rotary_factor")


def rope_parameters(config: Json) -> Json | None:
    """Rope in transformers 5's form, from either form; None where there is no rope.

    `{rope_type, rope_theta, …}`, or one such dictionary by kind of layer. A linear scaling written as llama3's comes
    back as what it is.
    """
    new = config.get("rope_parameters")
    if new is not None:
        return {kind: _whole(one) for kind, one in new.items()} if is_by_layer(new) else _whole(new)
    if config.get("rope_theta") is None:
        return None
    rope = dict(config.get("rope_scaling") or {})
    rope["rope_theta"] = config["rope_theta"]
    if config.get("partial_rotary_factor") is not None:
        rope["partial_rotary_factor"] = config["partial_rotary_factor"]
    if config.get("model_type") in _OWN_LOCAL:
        local = {"rope_type": "default", "rope_theta": config.get("rope_local_base_freq", 10000.0)}
        return {FULL: _whole(rope), SLIDING: local}
    return _whole(rope)


def is_by_layer(rope: Json) -> bool:
    """Whether there is one rope per kind of layer."""
    return any(isinstance(value, dict) for value in rope.values())


def both_forms(config: Json) -> Json:
    """The keys of config.json that say its rope in both forms; the newer one alone where the older has no words."""
    rope = rope_parameters(config)
    if rope is None:
        return {}
    if not is_by_layer(rope):
        return {"rope_parameters": rope, **_older(rope)}
    if not_for_tgi({**config, "rope_parameters": rope}):
        return {"rope_parameters": rope}
    local = rope[SLIDING]["rope_theta"]
    done = {"rope_parameters": rope, **_older(rope[FULL]), "rope_local_base_freq": local}
    return done | {"sliding_window_pattern": window_pattern(config)}


def _older(rope: Json) -> Json:
    scaling = {key: value for key, value in rope.items() if key not in _NOT_SCALING}
    done = {"rope_theta": rope["rope_theta"], "rope_scaling": None}
    if rope["rope_type"] == "linear":
        # TGI ignores a linear scaling. Llama 3's divides every frequency where the original context is one token.
        done["rope_scaling"] = {
            "rope_type": "llama3", "factor": rope["factor"], "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 1,
        }  # fmt: skip
    elif rope["rope_type"] != "default":
        done["rope_scaling"] = scaling
    return done | {key: rope[key] for key in ("partial_rotary_factor",) if key in rope}


def _whole(rope: Json) -> Json:
    """With its type under today's name, and a linear scaling under its own."""
    rest = {key: value for key, value in rope.items() if key not in ("rope_type", "type")}
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind == "llama3" and rope.get("original_max_position_embeddings") == 1:
        kept = {key: value for key, value in rest.items() if key in (*_NOT_SCALING, "factor")}
        return {"rope_type": "linear", **kept}
    return {"rope_type": kind, **rest}
