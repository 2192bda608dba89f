"""Which process owns a container, and its removal.

Every container and network of ours carries the run's name and its owner: the machine, the process, and when that
process began (numbers of processes are used again). So `blindside down` finds what a training or a server left behind.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import docker

RUN = "blindside.run"
OWNER = "blindside.owner"


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


def remove_labelled(client: docker.DockerClient, label: str, *, grace: int = 0) -> int:
    """Remove every container and network with `label` (name=value); returns how many containers there were.

    With `grace` (seconds) a container is asked to stop first.
    """
    found = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    for one in found:
        remove(one, grace=grace)
    discard(client.networks.list(filters={"label": label}))
    return len(found)


def remove(container: Any, *, grace: int = 0) -> bool:
    """Whether it was we who removed it, and nobody else at the same time."""
    from docker.errors import APIError

    if grace:
        with contextlib.suppress(APIError):
            container.stop(timeout=grace)
    try:
        container.remove(force=True, v=True)
    except APIError as error:
        if error.status_code not in (404, 409):  # gone, or somebody else is removing it
            raise
        return False
    return True


def discard(networks: Iterable[Any]) -> None:
    from docker.errors import APIError

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
