"""Headers of safetensors files: names, shapes, types. No weight is loaded."""

from __future__ import annotations

import json
import struct
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from train.errors import ExportError

_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt", "consolidated*.bin")
#: A header is some hundred bytes a tensor; more than this is no header.
_MOST = 100_000_000


class Tensor(NamedTuple):
    """One entry of a header."""

    dtype: str
    shape: tuple[int, ...]


def read_header(path: Path) -> dict[str, Tensor]:
    """Raise ExportError when the file is not safetensors, or is cut short."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MOST:
                raise ValueError
            header = json.loads(file.read(length))
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        size = 8 + length + max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    except (struct.error, ValueError, KeyError, TypeError):
        raise ExportError(f"{path} is not a safetensors file; train again", field="weights") from None
    if path.stat().st_size != size:
        raise ExportError(
            f"{path} has {path.stat().st_size} bytes where its header says {size}: it is incomplete "
            "(is the disk full?); train again",
            field="weights",
        )
    return {name: Tensor(entry["dtype"], tuple(entry["shape"])) for name, entry in entries.items()}


def weight_files(folder: Path) -> list[Path]:
    """The folder's model*.safetensors. Raises ExportError where there are only pickles, an adapter, or nothing."""
    found = sorted(folder.glob("model*.safetensors"))
    if found:
        return found
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        raise ExportError(
            f"{folder / pickles[0]} is a pickle, which runs code when it is loaded, and is not served; save "
            "safetensors instead (take `save_safetensors: false` out of the recipe)",
            field="weights",
        )
    if (folder / "adapter_config.json").exists():
        raise ExportError(
            f"{folder} holds an adapter, not a model; merge it first (axolotl merge-lora)", field="weights"
        )
    raise ExportError(f"{folder} holds no model.safetensors; did the training finish?", field="weights")


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """Every tensor of a model folder, of all its files."""
    tensors: dict[str, Tensor] = {}
    for path in weight_files(folder):
        tensors |= read_header(path)
    return tensors


def main_dtype(tensors: dict[str, Tensor]) -> str | None:
    """The type of most tensors, in config.json's words."""
    counts = Counter(_DTYPES[t.dtype] for t in tensors.values() if t.dtype in _DTYPES)
    return counts.most_common(1)[0][0] if counts else None
