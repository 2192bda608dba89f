"""What can train here: NVIDIA GPUs, and a Docker engine that reaches them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

import docker

from blindside import machine
from blindside.gpus import Gpu, Version, find_gpus, version
from blindside.machine import command_output, reaches_gpus
from train.errors import LaunchError


@dataclass(frozen=True)
class Engine:
    """A Docker engine. `problem` is the sentence on what keeps it from being used, empty where nothing does."""

    version: str = ""
    gpu_runtime: bool = False
    problem: str = ""


def chosen_gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs of this machine that CUDA_VISIBLE_DEVICES leaves."""
    chosen = visible(os.environ)
    return tuple(gpu for gpu in find_gpus() if chosen is None or str(gpu.index) in chosen)


def visible(variables: Mapping[str, str]) -> list[str] | None:
    """What CUDA_VISIBLE_DEVICES names; None where it names nothing, or GPUs by other than their numbers."""
    names = [name.strip() for name in variables.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return names if names and all(name.isdigit() for name in names) else None


def cuda() -> Version | None:
    """The newest CUDA that the driver can run, from the head of `nvidia-smi`."""
    stated = re.search(r"CUDA (?:\w+ )?Version\s*:\s*(\d+\.\d+)", command_output("nvidia-smi") or "")
    return None if stated is None else version(stated[1])


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
