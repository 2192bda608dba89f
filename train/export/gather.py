"""Gathers a model's shards into safetensors files, one tensor at a time.

Runs in .venv-train: `python -m train.export.gather fsdp|zero SHARDS BASE TARGET`. 70 billion parameters need no more
memory than their largest matrix.

What comes out has the base's types, names and shapes; `axolotl merge-sharded-fsdp-weights` gives the same values, and
holds all of them in memory.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import torch

from train.export.weights import Tensor, read_tensors

#: Bytes of a file, as transformers splits a model.
MOST = 5_000_000_000
TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
Read = Callable[[str], torch.Tensor]


def main(kind: str, shards: Path, base: Path, target: Path, most: int = MOST) -> None:
    """Raises SystemExit with a sentence where shards and base do not belong together."""
    wanted = read_tensors(base)
    read, names = (open_fsdp if kind == "fsdp" else open_universal)(shards)
    missing, more = sorted(wanted.keys() - names), sorted(names - wanted.keys() - {"lm_head.weight"})
    if missing or more:
        what = f"lack {missing[0]}" if missing else f"have {more[0]} besides"
        sys.exit(f"the shards in {shards} {what}, compared with the base in {base}: is it the base of this training?")
    target.mkdir(parents=True, exist_ok=True)
    groups = list(grouped(wanted, most))
    files = [f"model-{number:05}-of-{len(groups):05}.safetensors" for number in range(1, len(groups) + 1)]
    for file, group in zip(files, groups, strict=True):
        write(target / file, {name: wanted[name] for name in group}, read)
    index = {name: file for file, group in zip(files, groups, strict=True) for name in group}
    text = json.dumps({"metadata": {"total_size": sum(map(size, wanted.values()))}, "weight_map": index}, indent=2)
    (target / "model.safetensors.index.json").write_text(text + "\n", encoding="utf-8")


def open_fsdp(shards: Path) -> tuple[Read, set[str]]:
    """A reader of PyTorch's distributed checkpoint, and the names in it, without the one that they are kept under."""
    from torch.distributed.checkpoint import FileSystemReader, load

    metadata: Any = FileSystemReader(shards).read_metadata()
    kept = {
        (metadata.planner_data[key][-1] if metadata.planner_data else key): key for key in metadata.state_dict_metadata
    }

    def read(name: str) -> torch.Tensor:
        stored = metadata.state_dict_metadata[kept[name]]
        state = {kept[name]: torch.empty(stored.size, dtype=stored.properties.dtype)}
        load(state, storage_reader=FileSystemReader(shards), no_dist=True)
        return state[kept[name]]

    return read, set(kept)


def open_universal(shards: Path) -> tuple[Read, set[str]]:
    """A reader of DeepSpeed's universal checkpoint: a folder each parameter; ZeRO's third stage has them flat."""

    def read(name: str) -> torch.Tensor:
        found = torch.load(shards / name / "fp32.pt", map_location="cpu", mmap=True, weights_only=True)
        tensor: torch.Tensor = found["param"] if isinstance(found, dict) else found
        return tensor

    return read, {path.parent.name for path in shards.glob("*/fp32.pt")}


def size(tensor: Tensor) -> int:
    """Bytes of a tensor."""
    return int(TYPES[tensor.dtype].itemsize) * prod(tensor.shape)


def grouped(tensors: Mapping[str, Tensor], most: int) -> Iterator[list[str]]:
    """Names in their order, as many to a file as fit into `most` bytes."""
    group: list[str] = []
    filled = 0
    for name, tensor in tensors.items():
        if group and filled + size(tensor) > most:
            yield group
            group, filled = [], 0
        group.append(name)
        filled += size(tensor)
    yield group


def write(path: Path, tensors: Mapping[str, Tensor], read: Read) -> None:
    """A safetensors file, written as it is read."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [end, end + size(tensor)]}
        end += size(tensor)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, tensor in tensors.items():
            file.write(_bytes(read(name), tensor, name))


def _bytes(found: torch.Tensor, wanted: Tensor, name: str) -> memoryview:
    count = prod(wanted.shape)
    if found.numel() != count:
        sys.exit(f"{name} has {found.numel():,} values in the shards and {count:,} in the base")
    return memoryview(found.to(TYPES[wanted.dtype]).contiguous().view(-1).view(torch.uint8).numpy())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
