"""Containers that outlived the program that started them: found by label, and removed.

Every container and network of ours carries the run's name and its owner: the machine, the process, and when that
process began (numbers of processes are used again).
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound

from blindside import console
from compose.machine import connect

RUN = "blindside.run"
OWNER = "blindside.owner"
PROJECT = "com.docker.compose.project"
SIDE = "com.docker.compose.service"


def owner() -> str:
    """This process, as a label."""
    return f"{socket.gethostname()}:{os.getpid()}:{_began(os.getpid())}"


def owner_lives(label: str) -> bool:
    """Whether the process that the label names still runs; one on another machine is taken to."""
    host, _, rest = label.partition(":")
    process, _, began = rest.partition(":")
    if not process.isdigit():
        return False
    return host != socket.gethostname() or (bool(began) and _began(int(process)) == began)


def down(run: str | None = None, say: Callable[[str], None] = console.say) -> int:
    """Remove containers and networks that are left over; returns how many containers were.

    With `run` those of that run, whoever uses them; without, those whose program has ended. Raises DockerMissing.
    """
    client = connect()
    try:
        found = client.containers.list(all=True, filters={"label": RUN if run is None else f"{RUN}={run}"})
        gone = [one for one in found if run is not None or not owner_lives(one.labels.get(OWNER, ""))]
        for name in sorted({one.labels[RUN] for one in found} - {one.labels[RUN] for one in gone}):
            say(f"{name}: in use, left alone")
        removed = sum(_remove(one, say) for one in gone)
        _remove_networks(client, run)
        return removed
    finally:
        client.close()


def sweep(project: str) -> int:
    """Remove every container and network of one Compose project; returns how many containers there were."""
    client = connect()
    try:
        found = client.containers.list(all=True, filters={"label": f"{PROJECT}={project}"})
        removed = sum(_remove(one, lambda line: None) for one in found)
        _discard(client.networks.list(filters={"label": f"{PROJECT}={project}"}))
        return removed
    finally:
        client.close()


def _remove(container: Any, say: Callable[[str], None]) -> bool:
    with contextlib.suppress(NotFound):
        try:
            container.remove(force=True, v=True)
        except APIError as error:
            if error.status_code != 409:  # somebody else is removing it
                raise
            return False
        say(f"{container.labels.get(RUN, '?')}: removed {container.labels.get(SIDE, container.name)}")
        return True
    return False


def _remove_networks(client: docker.DockerClient, run: str | None) -> None:
    found = client.networks.list(filters={"label": RUN if run is None else f"{RUN}={run}"})
    _discard(one for one in found if run is not None or not owner_lives((one.attrs["Labels"] or {}).get(OWNER, "")))


def _discard(networks: Iterable[Any]) -> None:
    for network in networks:
        with contextlib.suppress(APIError):  # in use, or already gone
            network.remove()


def _began(process: int) -> str:
    """When a process began, in the kernel's own count; "?" where only its being there is known, "" where it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "?"
