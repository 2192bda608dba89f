"""What can train here: NVIDIA GPUs, as `nvidia-smi` lists them, and a Docker engine that reaches them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

import docker

from blindside import machine
from blindside.gpus import memory_of
from blindside.machine import ask, reaches_gpus
from train.errors import LaunchError

_FIELDS = "index,name,memory.total,memory.free,compute_cap"
Version = tuple[int, int]


@dataclass(frozen=True)
class Gpu:
    """`total` and `free` in bytes; `capability` as NVIDIA counts it, (8, 0) for an A100."""

    index: int
    name: str
    total: int
    free: int
    capability: Version


@dataclass(frozen=True)
class Engine:
    """A Docker engine. `problem` is the sentence on what keeps it from being used, empty where nothing does."""

    version: str = ""
    gpu_runtime: bool = False
    problem: str = ""


def find_gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs of this machine that CUDA_VISIBLE_DEVICES leaves; none where there is no working driver."""
    listed = ask("nvidia-smi", f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits") or ""
    found = [_gpu(line) for line in listed.splitlines()]
    chosen = visible(os.environ)
    return tuple(gpu for gpu in found if gpu is not None and (chosen is None or str(gpu.index) in chosen))


def visible(variables: Mapping[str, str]) -> list[str] | None:
    """What CUDA_VISIBLE_DEVICES names; None where it names nothing, or GPUs by other than their numbers."""
    names = [name.strip() for name in variables.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return names if names and all(name.isdigit() for name in names) else None


def _gpu(line: str) -> Gpu | None:
    cells = [cell.strip() for cell in line.split(",")]
    memory = memory_of(cells[2], cells[3]) if len(cells) == 5 and cells[0].isdigit() else None
    if memory is None:
        return None
    return Gpu(int(cells[0]), cells[1], memory[0] << 20, memory[1] << 20, _version(cells[4]) or (0, 0))


def cuda() -> Version | None:
    """The newest CUDA that the driver can run, from the head of `nvidia-smi`."""
    said = re.search(r"CUDA (?:\w+ )?Version\s*:\s*(\d+\.\d+)", ask("nvidia-smi") or "")
    return None if said is None else _version(said[1])


def _version(text: str) -> Version | None:
    found = re.fullmatch(r"(\d+)\.(\d+)", text)
    return None if found is None else (int(found[1]), int(found[2]))


def find_engine() -> Engine:
    """The Docker engine as it is now. Raises nothing."""
    try:
        client = connect()
    except LaunchError as error:
        return Engine(problem=str(error))
    try:
        info = client.info()
    finally:
        client.close()
    return Engine(version=str(info.get("ServerVersion", "")), gpu_runtime=reaches_gpus(info))


def connect() -> docker.DockerClient:
    """A client of the engine that the `docker` command would use. Raises LaunchError where none answers."""
    try:
        return machine.connect(remedy="(`sudo systemctl start docker`), or train with TRAINER=local")
    except machine.NoEngine as error:
        raise LaunchError(str(error)) from error
