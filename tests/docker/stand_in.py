"""A stack of the project's own compose files around a stand-in image, for a machine with an engine but no registry."""

from __future__ import annotations

import dataclasses
import io
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docker

from compose.command import HERE
from compose.containers import DockerStack
from compose.errors import DockerMissing
from compose.leftovers import PROJECT
from compose.machine import compose_version, connect
from compose.plan import Plan, choose_plan
from compose.stack import Model
from tests.compose.servers import MODEL
from tests.support import ROOT, TRAIN_PYTHON, require

IMAGE = "blindside-stand-in:test"
Filters = dict[str, str | list[str] | bool]
MODELS = (Model("base", str(MODEL)), Model("tuned", str(MODEL)))


def need_docker() -> docker.DockerClient:
    """A client of the engine; where there is none, or no Compose, the test is skipped, and fails in CI."""
    try:
        compose_version()
        return connect()
    except DockerMissing as error:
        require(False, f"needs a Docker engine with Compose v2: {error}")
        raise


def build(client: docker.DockerClient) -> None:
    """The stand-in image: a root folder that has only the places to mount things at."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("bin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
        for name, mode in (("tmp", 0o1777), ("usr", 0o755)):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            tar.addfile(folder)
    name, tag = IMAGE.split(":")
    client.api.import_image_from_data(packed.getvalue(), repository=name, tag=tag)


def variables(python: Path | None = None, /, **changes: str) -> dict[str, str]:
    """The stand-in's variables. The light one needs no torch, so it runs by the Python of these tests."""
    python = python or (TRAIN_PYTHON if "engine" in changes.values() else Path(sys.executable))
    prefix = subprocess.run(
        [str(python), "-c", "import sys; print(sys.base_prefix)"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if Path(prefix).is_relative_to("/usr"):
        prefix = "/usr/share"  # /usr is mounted already, and nothing may be mounted twice at one place
    return {
        "STAND_IN_IMAGE": IMAGE,
        "STAND_IN_ROOT": str(ROOT),
        "STAND_IN_PYTHON": str(python),
        "STAND_IN_PREFIX": prefix,
    } | changes


def plan(hub: Path, *, models: Sequence[Model] = MODELS, **changes: str) -> Plan:
    """The plan for Docker on this machine's CPU, with the stand-in added last as a user's local.yml would be."""
    files = (HERE / "docker-compose.yml", HERE / "docker-compose.cpu.yml")
    chosen = choose_plan("docker", models=models)
    environment = {**chosen.environment, "HUB_CACHE": str(hub), **variables(**changes)}
    return dataclasses.replace(
        chosen, files=files, environment=environment, local=ROOT / "tests/docker/stand-in.yml", sequential=False
    )


def stack(
    tmp_path: Path,
    *,
    models: Sequence[Model] = MODELS,
    run: str = "test",
    seconds: float = 120,
    said: list[str] | None = None,
    in_turn: bool = False,
    **changes: str,
) -> DockerStack:
    (hub := tmp_path / "hub").mkdir(exist_ok=True)
    lines = said if said is not None else []
    made = dataclasses.replace(plan(hub, models=models, **changes), in_turn=in_turn)
    return DockerStack(models, run=run, plan=made, logs=tmp_path / "logs", startup_seconds=seconds, say=lines.append)


def left(client: docker.DockerClient, project: str) -> list[Any]:
    """What a project has now: containers, running or not, networks, volumes, and processes of this machine."""
    filters: Filters = {"label": f"{PROJECT}={project}"}
    found: list[Any] = client.containers.list(all=True, filters=filters, ignore_removed=True)
    found += client.networks.list(filters=filters) + client.volumes.list(filters=filters)
    return found + [path for path in Path("/proc").glob("[0-9]*/cmdline") if project.encode() in _read(path)]


def container(client: docker.DockerClient, project: str, side: str) -> Any:
    filters: Filters = {"label": [f"{PROJECT}={project}", f"com.docker.compose.service={side}"]}
    return client.containers.list(all=True, filters=filters)[0]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
