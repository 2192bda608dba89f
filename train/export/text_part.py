"""Extracts the text model of a Gemma 3 with an image part (4B and larger).

transformers 5 saves the image part under names that TGI 3.3 does not read, and Axolotl asks for pictures' processor.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from train.export.ropes import Json
from train.export.weights import read_header, weight_files
from train.files import READABLE, write_json

#: Prefixes of a text tensor's name: in the Hub's files, and in transformers 5's memory.
_PREFIXES = ("language_model.", "model.language_model.")
#: Gemma3TextConfig's in transformers 4.51 and 5.16, which config.json leaves out.
_DEFAULTS: Json = {
    "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
    "num_key_value_heads": 4, "head_dim": 256, "query_pre_attn_scalar": 256, "sliding_window": 4096,
    "rms_norm_eps": 1e-6, "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 131072,
    "attention_bias": False, "tie_word_embeddings": True,
}  # fmt: skip
_OLDER_ROPE: Json = {"rope_theta": 1_000_000.0, "rope_local_base_freq": 10_000.0, "sliding_window_pattern": 6}
_OF_THE_WHOLE = ("bos_token_id", "eos_token_id", "pad_token_id", "dtype", "torch_dtype", "transformers_version")


def has_images(config: Json) -> bool:
    """Whether a config.json is that of such a model."""
    return config.get("model_type") == "gemma3" and isinstance(config.get("text_config"), dict)


@contextmanager
def text_alone(saved: Path, target: Path) -> Iterator[tuple[Path, list[str]]]:
    """`saved` itself, or where it has an image part a folder with its text part, beside `target`; and what to tell."""
    path = saved / "config.json"
    if not path.is_file() or not has_images(json.loads(path.read_text(encoding="utf-8"))):
        yield saved, []
        return
    folder = target.with_name(f".{target.name}.text.{os.getpid()}")
    try:
        write_text_part(saved, folder)
        yield folder, ["the text part alone (Gemma3ForCausalLM): its image part is left out"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text_part(saved: Path, folder: Path) -> None:
    """Write the text part of the model in `saved` to `folder`, which must not be there. Raises ExportError."""
    folder.mkdir(parents=True)
    for path in [*saved.glob("*.json"), *saved.glob("*.jinja")]:
        if not path.name.endswith(".index.json"):
            shutil.copyfile(path, folder / path.name)
    rows, index = 0, dict[str, str]()
    for path in weight_files(saved):
        kept = _write_text_tensors(path, folder / path.name)
        index |= dict.fromkeys(kept, path.name)
        rows = kept.get("model.embed_tokens.weight", [rows])[0]
    if set(index.values()) != {"model.safetensors"}:
        write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": index})
    config = json.loads((saved / "config.json").read_text(encoding="utf-8"))
    write_json(folder / "config.json", text_config(config, rows))


def text_config(config: Json, vocabulary: int) -> Json:
    """config.json of the text part; `vocabulary` is the number of rows of its embedding."""
    inner = config["text_config"]
    left_out = {key: value for key, value in _DEFAULTS.items() if inner.get(key) is None}
    rope = {} if inner.get("rope_parameters") else _OLDER_ROPE
    whole = {key: config[key] for key in _OF_THE_WHOLE if config.get(key) is not None}
    own = {"architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text"}
    return {**rope, "vocab_size": vocabulary, **whole, **inner, **left_out, **own}


def _text_name(name: str) -> str | None:
    prefix = next((one for one in reversed(_PREFIXES) if name.startswith(one)), None)
    if prefix is None:
        return None
    rest = name.removeprefix(prefix)
    return rest if rest.startswith(("model.", "lm_head.")) else f"model.{rest}"


def _write_text_tensors(path: Path, target: Path) -> dict[str, Any]:
    """The text's tensors of one file under their own names, byte for byte; their shapes."""
    read_header(path)  # is it whole?
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        there = json.loads(file.read(length))
        names = {name: own for name in there if (own := _text_name(name))}
        if not names:
            return {}
        header: Json = {"__metadata__": {"format": "pt"}}
        end = 0
        for name, own in names.items():
            start, stop = there[name]["data_offsets"]
            header[own] = {**there[name], "data_offsets": [end, end + stop - start]}
            end += stop - start
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with target.open("wb") as out:
            out.write(struct.pack("<Q", len(text)) + text)
            for name in names:
                _copy(file, out, *(8 + length + offset for offset in there[name]["data_offsets"]))
    target.chmod(READABLE)
    return {own: there[name]["shape"] for name, own in names.items()}


def _copy(file: Any, out: Any, start: int, end: int) -> None:
    file.seek(start)
    while start < end:
        piece = file.read(min(end - start, 1 << 24))
        out.write(piece)
        start += len(piece)
