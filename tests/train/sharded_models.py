"""Run in .venv-train: small models as trainings on several GPUs leave them, and what gathers them, for test_sharded."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from train.export import gather

SHAPES = {
    "model.embed_tokens.weight": (64, 32),
    "model.layers.0.mlp.up_proj.weight": (48, 32),
    "model.norm.weight": (32,),
}


def values() -> dict[str, torch.Tensor]:
    torch.manual_seed(7)
    return {name: torch.randn(shape) for name, shape in SHAPES.items()}


def write_base(folder: Path) -> None:
    folder.mkdir(parents=True)
    save_file(
        {name: torch.zeros(shape, dtype=torch.bfloat16) for name, shape in SHAPES.items()}, folder / "model.safetensors"
    )


def _save_part(rank: int, shards: str, port: int) -> None:
    """One of two processes: its rows of every tensor, as FSDP2 has them, by PyTorch's own checkpoint."""
    import torch.distributed as dist
    from torch.distributed.checkpoint import save
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    dist.init_process_group("gloo", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    state = {name: distribute_tensor(tensor, mesh, [Shard(0)]) for name, tensor in values().items()}
    save({"model": state}, checkpoint_id=shards)
    dist.destroy_process_group()


def fsdp(folder: Path, port: int) -> dict[str, Any]:
    """A checkpoint by two processes; gathered by Axolotl's own command and by ours."""
    from axolotl.cli.merge_sharded_fsdp_weights import merge_fsdp_weights

    shards = folder / "output" / "checkpoint-5" / "pytorch_model_fsdp_0"
    shards.parent.mkdir(parents=True)
    torch.multiprocessing.start_processes(_save_part, (str(shards), port), nprocs=2, start_method="fork")
    write_base(folder / "base")
    merge_fsdp_weights(str(shards), str(folder / "axolotls"))
    gather.main("fsdp", shards, folder / "base", folder / "ours", most=5000)
    theirs, ours = load_file(folder / "axolotls" / "model.safetensors"), _load(folder / "ours")
    return {
        "parts": len(list(shards.glob("*.distcp"))),
        "same": _same(theirs, ours),
        "files": len(_files(folder / "ours")),
    }


def zero(folder: Path) -> dict[str, Any]:
    """A universal checkpoint: as DeepSpeed's third stage has it (flat), and as the others have it."""
    place = folder / "output" / "universal" / "zero"
    for number, (name, tensor) in enumerate(values().items()):
        (place / name).mkdir(parents=True)
        torch.save(tensor.flatten() if number else {"param": tensor}, place / name / "fp32.pt")
    write_base(folder / "base")
    gather.main("zero", place, folder / "base", folder / "ours")
    return {"same": _same({k: v.to(torch.bfloat16) for k, v in values().items()}, _load(folder / "ours"))}


def left(folder: Path) -> dict[str, Any]:
    """Shards of the recorded model's names and shapes, all values 2."""
    for name, shape in {"model.embed_tokens.weight": (1024, 192), "model.norm.weight": (192,)}.items():
        (folder / "universal" / "zero" / name).mkdir(parents=True)
        torch.save({"param": torch.full(shape, 2.0)}, folder / "universal" / "zero" / name / "fp32.pt")
    return {}


def large(folder: Path, megabytes: int, room: int) -> dict[str, Any]:
    """Shards of `megabytes` in all, gathered with `room` megabytes of memory more than the process has by now."""
    place, count = folder / "zero", megabytes // 8
    names = {f"layers.{number}.weight": (2**21,) for number in range(count)}
    piece = torch.ones(2**21)
    for name in names:
        (place / name).mkdir(parents=True)
        torch.save(piece, place / name / "fp32.pt")
    header = {
        n: {"dtype": "F32", "shape": s, "data_offsets": [i << 23, (i + 1) << 23]}
        for i, (n, s) in enumerate(names.items())
    }
    (folder / "base").mkdir()
    with (folder / "base" / "model.safetensors").open("wb") as file:
        text = json.dumps(header).encode()
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + (count << 23))
    taken = next(
        int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmData" in line
    )
    limit = (taken << 10) + (room << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    gather.main("zero", place, folder / "base", folder / "ours", most=64 << 20)
    return {
        "files": len(_files(folder / "ours")),
        "bytes": sum(path.stat().st_size for path in _files(folder / "ours")),
    }


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def _load(folder: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for path in _files(folder) for name, tensor in load_file(path).items()}


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](Path(sys.argv[2]), *map(int, sys.argv[3:]))))
