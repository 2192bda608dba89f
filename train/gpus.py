"""What can train here: NVIDIA GPUs, as `nvidia-smi` lists them, and a Docker engine that reaches them."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import docker
from docker.errors import DockerException

from blindside.gpus import memory_of
from train.errors import LaunchError

DEFAULT = "unix:///var/run/docker.sock"
PATIENCE = 20.0  # seconds for a command that only asks
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
    listed = _ask("nvidia-smi", f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits") or ""
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
    said = re.search(r"CUDA (?:\w+ )?Version\s*:\s*(\d+\.\d+)", _ask("nvidia-smi") or "")
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
    chosen = os.environ.get("DOCKER_HOST")
    host = chosen or _ask("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}") or DEFAULT
    try:
        _knock(host)
        client = docker.from_env() if chosen else docker.DockerClient(base_url=host)
        client.ping()
    except (DockerException, OSError) as error:
        raise LaunchError(_unreachable(host, str(error))) from error
    return client


def _knock(host: str) -> None:
    """Raises OSError where nobody listens at a local socket: the SDK would leave its own end of it open."""
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(host.removeprefix("unix://"))


def _unreachable(host: str, problem: str) -> str:
    if "ermission denied" in problem:
        return (
            f"the Docker engine at {host} lets this user in only as a member of the group docker: "
            "`sudo usermod -aG docker $USER`, then log in again"
        )
    return f"no Docker engine answers at {host}: start it (`sudo systemctl start docker`), or train with TRAINER=local"


def reaches_gpus(info: Mapping[str, object]) -> bool:
    """Whether an engine with this `docker info` gives containers NVIDIA GPUs: by runtime, by CDI, or by its hook."""
    runtimes, devices = info.get("Runtimes"), info.get("DiscoveredDevices")
    return (
        (isinstance(runtimes, dict) and "nvidia" in runtimes)
        or (isinstance(devices, list) and any("nvidia.com/gpu" in str(device) for device in devices))
        or shutil.which("nvidia-container-runtime-hook") is not None
    )


def _ask(*command: str) -> str | None:
    """What the command prints; None where it is missing, fails or takes too long."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
