"""Test equipment: model folders made from the recorded one, each with something changed, and servers for them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.compose.servers import MODEL, change

ENDOFTEXT = "<|endoftext|>"


def copy(folder: Path, name: str) -> Path:
    """A copy of `folder` beside it."""
    shutil.copytree(folder, folder.with_name(name))
    return folder.with_name(name)


def base(parent: Path) -> Path:
    shutil.copytree(MODEL, parent / "base")
    return parent / "base"


def tuned(origin: Path) -> Path:
    """`origin` after a training that moved every weight by some percent."""
    folder = copy(origin, "tuned")
    noise = np.random.default_rng(7).normal(size=_weights(origin)[1].size).astype(np.float32)
    _write(folder, _weights(origin)[1] * (1 + 0.03 * noise))
    return folder


def earlier(origin: Path, end: Path) -> Path:
    """What lay on disk shortly before a training from `origin` ended in `end`."""
    folder = copy(end, "earlier")
    _write(folder, 0.1 * _weights(origin)[1] + 0.9 * _weights(end)[1])
    return folder


def rope(folder: Path, name: str, theta: float = 1000000.0, **scaling: Any) -> Path:
    """With another rope base or scaling, written in both forms."""
    made = copy(folder, name)
    parameters = {"rope_type": "default", "rope_theta": theta, **scaling}
    change(made / "config.json", rope_parameters=parameters, rope_theta=theta)
    return made


def templated(folder: Path, name: str, template: str | None) -> Path:
    """With this template for the server, while chat_template.jinja stays as it was."""
    made = copy(folder, name)
    change(made / "tokenizer_config.json", chat_template=template)
    return made


def template_of(folder: Path) -> str:
    return str(json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))["chat_template"])


def ends(folder: Path, name: str, eos: int | list[int] | None) -> Path:
    """With this eos_token_id in generation_config.json, and a tokenizer that names another token."""
    made = copy(folder, name)
    change(made / "generation_config.json", eos_token_id=eos)
    change(made / "tokenizer_config.json", eos_token=ENDOFTEXT)
    return made


def unending(folder: Path, name: str, ends: tuple[int, ...]) -> Path:
    """With weights that make its end tokens the less likely the likelier they were."""
    made = copy(folder, name)
    head, numbers = _weights(folder)
    place = json.loads(head[8:])["model.embed_tokens.weight"]
    width, start = place["shape"][1], place["data_offsets"][0] // 4
    changed = numbers.copy()
    for token in ends:
        changed[start + token * width : start + (token + 1) * width] *= -1
    _write(made, changed)
    return made


def with_bos(folder: Path, name: str) -> Path:
    """A tokenizer that puts a BOS in front of texts, as Llama's does, and a template that writes one too."""
    made = copy(folder, name)
    tokenizer = json.loads((made / "tokenizer.json").read_text(encoding="utf-8"))
    token = next(one["id"] for one in tokenizer["added_tokens"] if one["content"] == ENDOFTEXT)
    first: list[Any] = [{"SpecialToken": {"id": ENDOFTEXT, "type_id": 0}}]
    tokenizer["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [*first, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [*first, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {ENDOFTEXT: {"id": ENDOFTEXT, "ids": [token], "tokens": [ENDOFTEXT]}},
    }
    (made / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    template = "{{- bos_token -}}\n" + template_of(folder)
    change(made / "tokenizer_config.json", chat_template=template, bos_token=ENDOFTEXT)
    (made / "chat_template.jinja").write_text(template, encoding="utf-8")
    return made


def _weights(folder: Path) -> tuple[bytes, NDArray[np.float32]]:
    """The header of a safetensors file that holds float32 only, and all its numbers."""
    data = (folder / "model.safetensors").read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    return data[:start], np.frombuffer(data[start:], dtype=np.float32)


def _write(folder: Path, numbers: NDArray[np.float32]) -> None:
    header, before = _weights(folder)
    assert numbers.size == before.size
    (folder / "model.safetensors").write_bytes(header + numbers.astype(np.float32).tobytes())
