"""What an export changed of a saved model, and why, for `blindside export`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_OF_PLACE = "records only where it was loaded from"
_READS_OLD = "TGI reads the older name"
#: By key of any JSON file.
WHY = {
    "rope_theta": "TGI uses 10000 if this key is missing",
    "rope_scaling": "TGI reads rope scaling under this name, and linear scaling only in llama3's form",
    "rope_parameters": "the newer form, with everything from the older one",
    "rope_local_base_freq": "TGI reads the rope of sliding layers under this name",
    "sliding_window_pattern": "TGI counts layers by it, and does not read layer_types",
    "partial_rotary_factor": _READS_OLD,
    "torch_dtype": _READS_OLD,
    "dtype": "as in the weights",
    "use_cache": "training had switched the cache off",
    "tokenizer_class": "transformers 4.51 lacks that class or rebuilds its tokenizer; this one is used as it is",
    "model_input_names": "belongs to the tokenizer's class",
    "extra_special_tokens": "transformers 4.51 fails on a list here",
    "additional_special_tokens": "the list of extra_special_tokens under the older name",
    "chat_template": "TGI reads a template from tokenizer_config.json, and trims no blocks",
    "eos_token": "only this token ends an answer on TGI's transformers backend: it must end a turn",
    "eos_token_id": "every token that ends an answer, as a list: TGI ignores a number",
    "pad_token": "the trained model has one, its base none",
    "do_sample": "the base does not sample, so the model does not either",
    "backend": _OF_PLACE,
    "is_local": _OF_PLACE,
    "local_files_only": _OF_PLACE,
    "_name_or_path": _OF_PLACE,
    "_from_model_config": _OF_PLACE,
}
_NAMES = ("config.json", "tokenizer_config.json", "generation_config.json")
_NULL = "null means the same as a missing key"


def changes(saved: Path, written: Path) -> Iterator[str]:
    """A line for each key that differs between two model folders, with the reason."""
    for name in _NAMES:
        before, after = _read(saved / name), _read(written / name)
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key) or (key in before) != (key in after):
                why = WHY.get(key, _NULL if before.get(key) is None else "transformers 4.51 reads it so")
                yield f"{name}: {key}: {_shown(before, key)} → {_shown(after, key)} ({why})"
    if _text(saved / "chat_template.jinja") != _text(written / "chat_template.jinja"):
        yield "chat_template.jinja: rewritten (the same template that tokenizer_config.json holds)"


def _read(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found if isinstance(found, dict) else {}


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _shown(values: dict[str, Any], key: str) -> str:
    if key not in values:
        return "absent"
    text = json.dumps(values[key], ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"
