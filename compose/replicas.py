"""Several servers per side, several GPUs per server: their GPUs, and their compose file.

REPLICAS says how many servers a side has, NUM_SHARD over how many GPUs each spreads its model. A side's servers are the
services `base`, `base-2`, `base-3` …, alike in all but port and GPUs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from compose.errors import ComposeError
from compose.sides import side_of
from compose.stack import Model

MOST = 64


def count_setting(dials: Mapping[str, str], name: str) -> int:
    """A dial that is a whole number, 1 where it is not set. Raises ComposeError."""
    given = (dials.get(name) or "1").strip()
    if not given.isdecimal() or not 1 <= int(given) <= MOST:
        raise ComposeError(f"{name} is {given!r}; give a whole number from 1 to {MOST}")
    return int(given)


def services_of(side: str, replicas: int) -> list[str]:
    return [side, *(f"{side}-{number}" for number in range(2, replicas + 1))]


def replicated(models: Iterable[Model], replicas: int) -> list[Model]:
    """Each model as often as it is served, its `side` the name of the service."""
    return [replace(model, side=name) for model in models for name in services_of(model.side, replicas)]


def assign_gpus(sides: Sequence[str], gpus: Sequence[int], replicas: int, shards: int) -> dict[str, tuple[int, ...]]:
    """The GPUs of each service, all its own, taken in the order given; empty where there are too few."""
    names = [name for side in sides for name in services_of(side, replicas)]
    if len(names) * shards > len(gpus):
        return {}
    return {name: tuple(sorted(gpus[at * shards : (at + 1) * shards])) for at, name in enumerate(names)}


def port_dial(service: str) -> str:
    return f"{service.upper().replace('-', '_')}_PORT"


def replica_compose(
    merged: Mapping[str, Any], models: Sequence[Model], gpus: Mapping[str, tuple[int, ...]]
) -> dict[str, Any]:
    """`docker compose config` of the files for one server a side, with all services of `models`."""
    made = {}
    for service in (model.side for model in models):
        own = copy.deepcopy(merged["services"][side_of(service)])
        own["ports"] = [f"127.0.0.1:${{{port_dial(service)}:-}}:{own['ports'][0]['target']}"]
        if service in gpus:
            devices = [{"driver": "nvidia", "device_ids": [str(gpu) for gpu in gpus[service]], "capabilities": ["gpu"]}]
            own.setdefault("deploy", {}).setdefault("resources", {}).setdefault("reservations", {})["devices"] = devices
        made[service] = own
    return {**merged, "services": made}
