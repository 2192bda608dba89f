"""This machine: output of commands, the Docker engine, and whether it reaches NVIDIA GPUs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING

from blindside.errors import BlindsideError

if TYPE_CHECKING:
    import docker

DEFAULT = "unix:///var/run/docker.sock"
PATIENCE = 20.0  # seconds that a command may take


class NoEngine(BlindsideError):
    """No Docker engine answers, or it does not let this user in."""


def command_output(*command: str) -> str | None:
    """What the command prints; None where it is missing, fails or takes too long."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def connect(*, remedy: str) -> docker.DockerClient:
    """A client of the engine that the `docker` command would use.

    Raises NoEngine; `remedy` is what follows "start it" where none answers.
    """
    import docker
    from docker.errors import DockerException

    chosen = os.environ.get("DOCKER_HOST")
    host = chosen or command_output("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}") or DEFAULT
    try:
        _knock(host)
        client = docker.from_env() if chosen else docker.DockerClient(base_url=host)
        client.ping()
    except (DockerException, OSError) as error:
        raise NoEngine(_unreachable(host, str(error), remedy)) from error
    return client


def _knock(host: str) -> None:
    """Raises OSError where nobody listens at a local socket: the SDK would leave its own end of it open."""
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(host.removeprefix("unix://"))


def _unreachable(host: str, problem: str, remedy: str) -> str:
    if "ermission denied" in problem:
        return (
            f"the Docker engine at {host} admits only members of the group docker: run "
            "`sudo usermod -aG docker $USER` and log in again"
        )
    return f"cannot connect to the Docker engine at {host}: start it {remedy}"


def reaches_gpus(info: Mapping[str, object]) -> bool:
    """Whether an engine with this `docker info` gives containers NVIDIA GPUs: by runtime, by CDI, or by its hook."""
    runtimes, devices = info.get("Runtimes"), info.get("DiscoveredDevices")
    return (
        (isinstance(runtimes, dict) and "nvidia" in runtimes)
        or (isinstance(devices, list) and any("nvidia.com/gpu" in str(device) for device in devices))
        or shutil.which("nvidia-container-runtime-hook") is not None
    )
