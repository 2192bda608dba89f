"""Removes containers that outlived the program that started them, found by label."""

from __future__ import annotations

from collections.abc import Callable

from blindside import console
from blindside.containers.owned import OWNER, RUN, discard, owner_lives, remove, remove_labelled
from compose.machine import connect

PROJECT = "com.docker.compose.project"
SIDE = "com.docker.compose.service"


def down(run: str | None = None, say: Callable[[str], None] = console.say) -> int:
    """Remove containers and networks that are left over; returns how many containers were.

    With `run` those of that run, whoever uses them; without, those whose program has ended. Raises DockerMissing.
    """
    client = connect()
    label = RUN if run is None else f"{RUN}={run}"
    try:
        found = client.containers.list(all=True, filters={"label": label})
        over = [one for one in found if run is not None or not owner_lives(one.labels.get(OWNER, ""))]
        for name in sorted({one.labels[RUN] for one in found} - {one.labels[RUN] for one in over}):
            say(f"{name}: in use, left alone")
        removed = [one for one in over if remove(one)]
        for one in removed:
            say(f"{one.labels.get(RUN, '?')}: removed {one.labels.get(SIDE, one.name)}")
        networks = client.networks.list(filters={"label": label})
        labels = [(one, one.attrs["Labels"] or {}) for one in networks]
        discard(one for one, own in labels if run is not None or not owner_lives(own.get(OWNER, "")))
        return len(removed)
    finally:
        client.close()


def remove_orphans(project: str) -> int:
    """Remove every container and network of one Compose project; returns how many containers there were."""
    client = connect()
    try:
        return remove_labelled(client, f"{PROJECT}={project}")
    finally:
        client.close()
