"""Checks what a tuned model must share with its base.

Every check raises ExportError with the field and both values.
"""

from __future__ import annotations

from typing import Any

from blindside.tgi import window_pattern
from train.errors import ExportError
from train.export.ropes import FULL, Json, is_by_layer, rope_parameters
from train.export.template import first_difference
from train.export.text_part import has_images
from train.export.weights import Tensor

#: What says how a model was saved, or is said elsewhere (eos and pad: generation_config.json), not what it is.
_MAY_DIFFER = frozenset(
    {
        "_name_or_path", "_attn_implementation", "attn_implementation", "architecture_version", "dtype", "torch_dtype",
        "use_cache", "transformers_version", "transformers.js_config", "bos_token_id", "eos_token_id", "pad_token_id",
        "rope_theta", "rope_scaling", "rope_parameters", "partial_rotary_factor", "rope_local_base_freq",
        "sliding_window_pattern", "_sliding_window_pattern",
    }
)  # fmt: skip
_MUST_SAY = ("architectures", "model_type", "vocab_size", "hidden_size", "num_hidden_layers")
_SPECIAL = ("bos_token", "eos_token", "pad_token")


_WITH_IMAGES = (
    "the base has an image part, which pairs of texts do not train, and TGI 3.3 does not read it as transformers 5 "
    "saves it: `blindside export BASE models/TEXT` writes its text part, to be named as base_model"
)
_NESTED = "the base has parts beside its text (text_config in config.json): choose a text-only base"
_REMEDY = "check the recipe (special_tokens, chat_template, overrides_of_model_config)"
#: transformers 5 builds GPT-2's and Llama's again and leaves out what tokenizer.json says of digits and spaces.
_READ_AS_IT_IS = (
    "set `tokenizer_type: PreTrainedTokenizerFast` in the recipe, which reads the base's tokenizer as it is,"
)


def _differs(field: str, base: Any, tuned: Any, remedy: str = _REMEDY) -> ExportError:
    return ExportError(
        f"{field} is {_brief(tuned)} in the trained model and {_brief(base)} in its base, so the two cannot be "
        f"compared; {remedy} and train again",
        field=field,
    )


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}…"


def check_config(base: Json, tuned: Json) -> None:
    """Same architecture, sizes, rope: every key of config.json that both have, but for how it was saved."""
    if isinstance(base.get("text_config"), dict):
        raise ExportError(_WITH_IMAGES if has_images(base) else _NESTED, field="text_config")
    for field in _MUST_SAY:
        if base.get(field) is None or tuned.get(field) is None:
            raise _differs(field, base.get(field), tuned.get(field))
    for field in sorted((base.keys() & tuned.keys()) - _MAY_DIFFER):
        if field == "sliding_window" and not tuned.get("use_sliding_window", True):
            continue  # transformers 5 writes null where the window is not used
        if base[field] != tuned[field]:
            raise _differs(field, base[field], tuned[field])
    if base.get("quantization_config") != tuned.get("quantization_config"):
        raise _differs("quantization_config", base.get("quantization_config"), tuned.get("quantization_config"))
    _check_rope(base, tuned)


def _check_rope(base: Json, tuned: Json) -> None:
    ours, theirs = rope_parameters(tuned), rope_parameters(base)
    if theirs is None:
        return  # the base leaves its rope to the architecture's default, and so does what it became
    if not is_by_layer(theirs):
        _check_one_rope(theirs, ours or {})
        return
    for kind, rope in theirs.items():
        _check_one_rope(rope, (ours or {}).get(kind) or {}, f"{kind}: ")
    if FULL in theirs and window_pattern(base) != window_pattern(tuned):
        raise _differs("sliding_window_pattern", window_pattern(base), window_pattern(tuned))


def _check_one_rope(base: Json, tuned: Json, of: str = "") -> None:
    for field in sorted(base.keys() | tuned.keys()):
        if field != "partial_rotary_factor" and tuned.get(field) != base.get(field):
            raise _differs(of + field, base.get(field), tuned.get(field))


def check_special_tokens(base: Json, tuned: Json) -> None:
    """Same bos, eos and pad in tokenizer_config.json; a pad token may be new where the base has none."""
    for field in _SPECIAL:
        mine, theirs = _content(tuned.get(field)), _content(base.get(field))
        if mine != theirs and not (field == "pad_token" and theirs is None):
            raise _differs(field, theirs, mine)


def _content(token: Any) -> str | None:
    found = token.get("content") if isinstance(token, dict) else token
    return None if found is None else str(found)


def check_tokenizer(base: Json, tuned: Json) -> None:
    """Same ids for the same text: vocabulary, merges, added tokens, normalizer, and where words are split."""
    for field in ("vocab", "merges"):
        mine, theirs = _merges(tuned["model"].get(field)), _merges(base["model"].get(field))
        if mine != theirs:
            before, after = (len(v) if v is not None else 0 for v in (theirs, mine))
            if before != after:
                raise _differs(f"tokenizer {field} (size)", before, after)
            raise _differs(f"tokenizer {field}", *_first_unlike(theirs, mine))
    for field, view in (("added_tokens", _added), ("normalizer", _normalizer), ("pre_tokenizer", _splits)):
        if view(base) != view(tuned):
            remedy = _REMEDY if field == "added_tokens" else _READ_AS_IT_IS
            raise _differs(f"tokenizer {field}", *_first_unlike(view(base), view(tuned)), remedy)


def _merges(value: Any) -> Any:
    """Merges are written as "a b" by older tokenizers, as ["a", "b"] by newer ones."""
    if isinstance(value, list):
        return [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in value]
    return value


def _first_unlike(base: Any, tuned: Any) -> tuple[Any, Any]:
    if isinstance(base, dict) and isinstance(tuned, dict):
        base, tuned = sorted(base.items()), sorted(tuned.items())
    if isinstance(base, list) and isinstance(tuned, list):
        for pair in zip(base, tuned, strict=False):
            if pair[0] != pair[1]:
                return pair
        return len(base), len(tuned)
    return base, tuned


def _added(tokenizer: Json) -> list[tuple[str, int]]:
    return sorted((token["content"], token["id"]) for token in tokenizer.get("added_tokens", []))


def _normalizer(tokenizer: Json) -> Any:
    return tokenizer.get("normalizer")


def _splits(tokenizer: Json) -> list[Any]:
    """The parts of a pre-tokenizer that decide ids; offsets do not."""
    top = tokenizer.get("pre_tokenizer") or {}
    parts = top.get("pretokenizers", [top])
    return [_metaspace(part) if part.get("type") == "Metaspace" else _deciding(part) for part in parts]


def _deciding(part: Json) -> Json:
    deciding = ("type", "pattern", "behavior", "invert", "individual_digits", "add_prefix_space", "use_regex")
    return {k: part[k] for k in deciding if k in part}


def _metaspace(part: Json) -> Json:
    """Where a space is put in front; older files say add_prefix_space instead."""
    older = "always" if part.get("add_prefix_space", True) else "never"
    scheme = part.get("prepend_scheme", older)
    return {"type": "Metaspace", "replacement": part.get("replacement"), "prepend_scheme": scheme,
            "split": part.get("split", True)}  # fmt: skip


def check_template(base: str | None, tuned: str | None, special: dict[str, str]) -> None:
    """Both templates render probe conversations alike; a base without one is let be."""
    if base is None:
        return
    if tuned is None:
        raise _differs("chat_template", base, None)
    unlike = first_difference(base, tuned, special)
    if unlike is not None:
        raise _differs("chat_template (a conversation as rendered)", *unlike)


def check_tensors(base: dict[str, Tensor] | None, tuned: dict[str, Tensor], config: Json) -> None:
    """Same tensors with the same shapes, where the base's weights are at hand; the embedding fits vocab_size."""
    rows = [t.shape[0] for name, t in tuned.items() if name.endswith("embed_tokens.weight")]
    if rows and rows[0] < config["vocab_size"]:
        raise _differs("vocab_size (rows of the embedding)", config["vocab_size"], rows[0])
    if base is None:
        return
    names = base.keys() ^ tuned.keys()
    if config.get("tie_word_embeddings"):
        names -= {"lm_head.weight"}  # tied: written by some versions, left out by others
    for name in sorted(names):
        raise _differs(f"tensor {name}", *("there" if name in side else "missing" for side in (base, tuned)))
    for name in sorted(base.keys() & tuned.keys()):
        if base[name].shape != tuned[name].shape:
            raise _differs(f"shape of {name}", base[name].shape, tuned[name].shape)
