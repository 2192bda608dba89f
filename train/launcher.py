"""How many processes train, on how many machines, and which of Axolotl's launchers starts them.

The dials are variables: LAUNCHER (accelerate, torchrun, ray or python, and behind it words of that launcher's own),
NPROC (processes on each machine), NODES (machines), MASTER (the first machine's host, or host:port). On a further
machine NODE_RANK, or what SLURM or SkyPilot set, says which one it is.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from train.errors import LaunchError

LAUNCHERS = ("accelerate", "torchrun", "ray", "python")
PORT = 29500
_RANKS = ("NODE_RANK", "SLURM_NODEID", "SKYPILOT_NODE_RANK")
_MASTER = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?")


@dataclass(frozen=True)
class Launch:
    """What the dials say. `launcher` is empty and `processes` 0 where they leave it to Axolotl: accelerate, with a
    process for each GPU. `words` go to the launcher as they are; `rank` counts machines from 0.
    """

    launcher: str = ""
    processes: int = 0
    nodes: int = 1
    host: str = ""
    port: int = PORT
    rank: int = 0
    words: tuple[str, ...] = ()

    @property
    def world(self) -> int:
        """Processes on all machines; 0 where nothing says how many."""
        return self.processes * self.nodes

    @property
    def leads(self) -> bool:
        """Whether this machine is the first: it keeps the model. Ray's driver is one, whatever its workers are."""
        return self.rank == 0

    def options(self, job: str) -> list[str]:
        """What goes behind `axolotl train RECIPE` on this machine; `job` tells this training from others."""
        if self.launcher == "ray":
            return ["--use-ray", *(["--ray-num-workers", str(self.world)] if self.processes else []), *self.words]
        own = [*self._own(job), *self.words]
        named = ["--launcher", self.launcher] if self.launcher else []
        return [*named, *(["--", *own] if own else [])]

    def environment(self, variables: dict[str, str], *, gpus: int) -> dict[str, str]:
        """Variables of Axolotl's process with what several processes on a CPU need: no GPU asked for, cores shared."""
        if gpus or self.world < 2:
            return variables
        threads = max(1, int(variables.get("OMP_NUM_THREADS", "1")) // self.processes)
        return variables | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": str(threads)}

    def _own(self, job: str) -> list[str]:
        if self.launcher == "torchrun":
            return self._torchrun(job)
        if self.launcher == "python":
            return []
        return self._accelerate()

    def _torchrun(self, job: str) -> list[str]:
        value = ["--nproc_per_node", str(self.processes or "gpu")]
        if self.nodes == 1:
            return value
        # Axolotl would draw an id on each machine, and machines of different ids never meet.
        meet = ["--rdzv_backend", "c10d", "--rdzv_endpoint", f"{self.host}:{self.port}", "--rdzv_id", job]
        return [*value, "--nnodes", str(self.nodes), *meet]

    def _accelerate(self) -> list[str]:
        value = ["--num_processes", str(self.world)] if self.processes else []
        if self.nodes == 1:
            return value
        where = ["--main_process_ip", self.host, "--main_process_port", str(self.port)]
        return [*value, "--num_machines", str(self.nodes), "--machine_rank", str(self.rank), *where]


def read_launch(variables: Mapping[str, str], config: Mapping[str, Any], *, gpus: int) -> Launch:
    """The dials for a recipe, on a machine with this many GPUs. Raises LaunchError where they make no sense."""
    name, *words = shlex.split(variables.get("LAUNCHER") or "") or [""]
    if name not in ("", *LAUNCHERS):
        raise LaunchError(f"LAUNCHER is {name!r}; give {', '.join(LAUNCHERS[:-1])} or {LAUNCHERS[-1]}")
    if config.get("use_ray") and name not in ("", "ray"):
        raise LaunchError(f"the recipe trains by Ray (use_ray: true), and LAUNCHER is {name}: leave it out")
    host, port = _master(variables)
    found = Launch(
        launcher="ray" if config.get("use_ray") else name,
        processes=_count(variables, "NPROC"),
        nodes=_count(variables, "NODES") or 1,
        host=host,
        port=port,
        rank=_rank(variables),
        words=tuple(words),
    )
    return _fit(found, gpus)


def _fit(asked: Launch, gpus: int) -> Launch:
    """With what follows from the machine. Raises LaunchError for what cannot be started on it."""
    if asked.launcher == "ray":
        return Launch("ray", asked.processes, asked.nodes, words=asked.words)
    if asked.nodes == 1:
        asked = Launch(asked.launcher, asked.processes, words=asked.words)
    elif not asked.host:
        raise LaunchError("NODES is given without MASTER: name the first machine, as the others reach it (host:port)")
    elif asked.rank >= asked.nodes:
        raise LaunchError(f"this is machine {asked.rank}, counted from 0, of NODES={asked.nodes}; check NODE_RANK")
    elif asked.launcher in ("", "accelerate") and not asked.processes:
        if not gpus:
            raise LaunchError("NODES is given without NPROC, and this machine has no GPU to count")
        return Launch("accelerate", gpus, asked.nodes, asked.host, asked.port, asked.rank, asked.words)
    if asked.launcher == "python" and asked.world > 1:
        raise LaunchError("LAUNCHER=python is one process; use torchrun or accelerate for more")
    if not gpus and asked.world > 1 and asked.launcher != "torchrun":
        raise LaunchError("without a GPU several processes are started by torchrun: set LAUNCHER=torchrun")
    if not gpus and asked.launcher == "torchrun" and not asked.processes:
        raise LaunchError("without a GPU torchrun needs the number of processes: set NPROC")
    return asked


def _count(variables: Mapping[str, str], name: str) -> int:
    value = (variables.get(name) or "").strip()
    if value and (not value.isdecimal() or not 1 <= int(value) <= 4096):
        raise LaunchError(f"{name} is {value!r}; give a whole number from 1 on")
    return int(value or 0)


def _master(variables: Mapping[str, str]) -> tuple[str, int]:
    value = (variables.get("MASTER") or "").strip()
    if not value:
        return "", PORT
    found = _MASTER.fullmatch(value)
    if found is None or not 0 < int(found[2] or PORT) < 65536:
        raise LaunchError(f"MASTER is {value!r}; give the first machine's name or address, with a port where needed")
    return found[1], int(found[2] or PORT)


def _rank(variables: Mapping[str, str]) -> int:
    value = next((variables[name].strip() for name in _RANKS if (variables.get(name) or "").strip()), "0")
    if not value.isdecimal():
        raise LaunchError(f"NODE_RANK is {value!r}; give this machine's number, counted from 0")
    return int(value)
