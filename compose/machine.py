"""What this machine has to serve with: Docker, Compose v2, NVIDIA GPUs that containers reach."""

from __future__ import annotations

import shutil
import socket
from dataclasses import dataclass

import docker

from blindside import machine
from blindside.gpus import Gpu, find_gpus, untested
from blindside.machine import command_output, reaches_gpus
from compose.errors import DockerMissing


@dataclass(frozen=True)
class Machine:
    """`no_docker` is the sentence on what keeps Docker from being used, empty where nothing does."""

    no_docker: str = ""
    engine: str = ""
    compose: str = ""
    gpu_runtime: bool = False
    gpus: tuple[Gpu, ...] = ()
    #: A sentence on GPUs that blindside was never tried on; empty if there are none.
    untested: str = ""


def inspect_machine() -> Machine:
    """What there is now. Raises nothing: what is missing is said in the answer."""
    gpus, note = find_gpus(), untested()
    try:
        compose = compose_version()
        client = connect()
    except DockerMissing as error:
        return Machine(no_docker=str(error), gpus=gpus, untested=note)
    try:
        info = client.info()
    finally:
        client.close()
    return Machine(
        engine=str(info.get("ServerVersion", "")),
        compose=compose,
        gpu_runtime=reaches_gpus(info),
        gpus=gpus,
        untested=note,
    )


def compose_version() -> str:
    """The version of the Compose plugin. Raises DockerMissing with what to install."""
    if shutil.which("docker") is None:
        raise DockerMissing(
            "there is no docker command: install Docker Engine with its Compose plugin "
            "(docs.docker.com/engine/install), or use ENGINE=embedded"
        )
    asked = command_output("docker", "compose", "version", "--short")
    if asked is None or not asked.removeprefix("v")[:1].isdigit():
        old = " (docker-compose v1 is installed, but retired and not used)" if shutil.which("docker-compose") else ""
        raise DockerMissing(
            f"Docker has no Compose v2 plugin{old}: install docker-compose-plugin (docs.docker.com/compose/install)"
        )
    return asked.removeprefix("v")


def connect() -> docker.DockerClient:
    """A client of the engine that the `docker` command would use. Raises DockerMissing."""
    try:
        return machine.connect(remedy="(`sudo systemctl start docker`, or Docker Desktop)")
    except machine.NoEngine as error:
        raise DockerMissing(str(error)) from error


def free_port() -> int:
    """A TCP port on 127.0.0.1 on which nobody listened a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
