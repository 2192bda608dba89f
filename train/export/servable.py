"""A model's JSON files in the form that TGI 3.3 (transformers 4.51) and transformers 5 both read.

Pure functions from the files' contents to the files' contents.
"""

from __future__ import annotations

from collections.abc import Iterable

from train.export.ropes import OLDER_KEYS, Json, both_forms, rope_parameters

#: Keys that transformers 5 writes about the place it loaded from.
_LOCAL_KEYS = ("backend", "is_local", "local_files_only", "_from_model_config", "_name_or_path")
#: Tokenizer classes that transformers 4 does not have; both read the fast one from tokenizer.json.
_NEW_CLASSES = ("TokenizersBackend", "PythonBackend", "SentencePieceBackend")
#: Classes that one version builds again instead of reading tokenizer.json: transformers 5 from vocabulary and merges,
#: with its own splits and spaces; transformers 4 a Llama's, where add_prefix_space is said, from a SentencePiece file.
#: With them, the special tokens that they have where none are said.
_REBUILT = {
    "GPT2Tokenizer": dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>"),
    "LlamaTokenizer": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
}
_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")


def servable_config(config: Json, dtype: str | None) -> Json:
    """config.json with rope and dtype in both forms, and the cache on."""
    done = newer_config(config, dtype) | both_forms(config)
    return done | ({"torch_dtype": done["dtype"]} if "dtype" in done else {})


def newer_config(config: Json, dtype: str | None) -> Json:
    """config.json in transformers 5's words alone, and the cache on."""
    rope, kind = rope_parameters(config), dtype or config.get("dtype") or config.get("torch_dtype")
    names = ("torch_dtype",) if rope is None else ("torch_dtype", *OLDER_KEYS)
    done = {key: value for key, value in config.items() if key not in (*_LOCAL_KEYS, *names)}
    done |= {} if rope is None else {"rope_parameters": rope}
    return done | ({} if kind is None else {"dtype": kind}) | {"use_cache": True}


def newer_tokenizer(config: Json) -> Json:
    """tokenizer_config.json as transformers 5 reads it, which keeps the template in a file of its own."""
    return {key: value for key, value in config.items() if key not in (*_LOCAL_KEYS, "chat_template")}


def servable_tokenizer(config: Json, template: str | None) -> Json:
    """tokenizer_config.json with a class and special tokens that both know, and the chat template inside."""
    rebuilt = _REBUILT.get(str(config.get("tokenizer_class")).removesuffix("Fast"))
    names = {**(rebuilt or {}), **config}
    done = {key: value for key, value in names.items() if key not in _LOCAL_KEYS and value is not None}
    extra = done.get("extra_special_tokens")
    if isinstance(extra, list):
        del done["extra_special_tokens"]
        done["additional_special_tokens"] = list(done.get("additional_special_tokens") or extra)
    if rebuilt or done.get("tokenizer_class") in (None, *_NEW_CLASSES):
        done["tokenizer_class"] = "PreTrainedTokenizerFast"
        done.setdefault("model_input_names", ["input_ids", "attention_mask"])
    done.pop("chat_template", None)
    if template is not None:
        done["chat_template"] = template
    return done


def servable_generation(base: Json, eos: Iterable[int]) -> Json:
    """generation_config.json: the base's own, its eos a list (TGI ignores an integer), sampling settings only
    where the base samples (Axolotl says `do_sample: true` of every model)."""
    done = {key: value for key, value in base.items() if key not in _LOCAL_KEYS}
    if not done.get("do_sample"):
        done = {key: value for key, value in done.items() if key not in (*_SAMPLING, "do_sample")}
    done["eos_token_id"] = list(dict.fromkeys(eos))
    return done


def as_ids(value: int | list[int] | None) -> list[int]:
    """An eos_token_id as a list, whichever way it was written."""
    return [] if value is None else list(value) if isinstance(value, list) else [value]
