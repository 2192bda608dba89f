"""Small model folders on disk for the tests: the recorded one as transformers 5 left it, and weights that fit."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import yaml

from tests.support import ROOT
from train.recipe import RECIPES

HF5 = ROOT / "tests" / "data" / "tgi" / "model-hf5"
SHAPES: dict[str, list[int]] = {
    "model.embed_tokens.weight": [1024, 192],
    "model.norm.weight": [192],
}


def write_weights(path: Path, shapes: dict[str, list[int]], fill: int = 0, dtype: str = "F32") -> None:
    """A true safetensors file with all bytes `fill`."""
    size, header, offset = {"F32": 4, "BF16": 2}[dtype], {}, 0
    for name, shape in shapes.items():
        count = size
        for side in shape:
            count *= side
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + count]}
        offset += count
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes([fill]) * offset)


def hf5_folder(path: Path, fill: int = 0) -> Path:
    """The recorded model as transformers 5 saved it, with weights of mode 600 as Axolotl leaves them."""
    shutil.copytree(HF5, path)
    write_weights(path / "model.safetensors", SHAPES, fill)
    (path / "model.safetensors").chmod(0o600)
    return path


def edit(path: Path, **changes: Any) -> None:
    """Change keys of a JSON file; None takes a key out, ... writes null."""
    value = json.loads(path.read_text(encoding="utf-8"))
    for key, new in changes.items():
        if new is None:
            value.pop(key, None)
        else:
            value[key] = None if new is ... else new
    path.write_text(json.dumps(value), encoding="utf-8")


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def recipe(folder: Path, base: Path, **changes: object) -> Path:
    """The tiny DPO recipe cut down to two steps, over pairs in `folder`."""
    config = yaml.safe_load((RECIPES / "tiny.yml").read_text(encoding="utf-8"))
    config["datasets"][0]["path"] = str(folder / "pairs.jsonl")
    config |= {"base_model": str(base), "output_dir": str(folder / "output"), "max_steps": 2, "logging_steps": 1}
    config["dataset_num_proc"] = 1  # eight rows need no pool of processes
    path = folder / "mine.yml"
    path.write_text(yaml.safe_dump(config | changes), encoding="utf-8")
    return path
