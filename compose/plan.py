"""Chooses engine, compose files and GPUs from what this machine has, and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from blindside.gpus import Gpu
from blindside.tgi import not_for_tgi
from compose.command import HERE, OWN
from compose.errors import ComposeError, DockerMissing, EnvironmentMissing
from compose.folder import check as check_folder
from compose.folder import is_local
from compose.limits import (
    config_of,
    gib,
    limits_of,
    memory_needed,
    memory_sentence,
    user_settings,
    without_user_settings,
)
from compose.machine import Machine, inspect_machine
from compose.replicas import assign_gpus, count_setting
from compose.stack import Model

ENGINES = ("auto", "docker", "vllm", "embedded")
SERVERS = ("auto", "tgi", "vllm", "sglang")
#: vLLM's batch-invariant kernels need GPUs of this compute capability.
INVARIANT = (8, 0)
USABLE = 0.95  # of a GPU's memory


@dataclass(frozen=True)
class Plan:
    """What will be started. `kind` is "docker", "vllm" (as processes) or "embedded"; the rest is not for that one.

    `files` are the compose files in order, `local` the user's own, added last where it exists; of vLLM's the processes
    take their options. With `in_turn` the second server starts when the first is healthy; with `sequential` only one of
    them runs at a time.
    """

    kind: str
    why: str
    server: str = "tgi"
    files: tuple[Path, ...] = ()
    local: Path = OWN / "local.yml"
    environment: Mapping[str, str] = field(default_factory=dict)
    in_turn: bool = False
    sequential: bool = False
    #: Servers a side, and the GPUs of each where they were shared out (compose.replicas).
    replicas: int = 1
    gpus: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The plan as it is printed."""
        if self.kind == "embedded":
            return [f"engine: embedded, on the CPU ({self.why})"]
        in_docker = self.kind == "docker"
        files = [path.name for path in (*self.files, *([self.local] if in_docker and self.local.is_file() else []))]
        shown = [f"{name}={value}" for name, value in sorted(self.environment.items())]
        how = "one side after the other" if self.sequential else "both sides"
        how += f", {self.replicas} servers each" if self.replicas > 1 else ""
        where = "in Docker" if in_docker else "as processes"
        return [
            f"engine: {self.server} {where}, {how} ({self.why})",
            f"  {' + '.join(files)}  {' '.join(shown)}",
        ]

    def turns(self, models: Sequence[Model]) -> list[tuple[Model, ...]]:
        """The models that are served together, in the order in which to collect: a stack for each turn."""
        return [(model,) for model in models] if self.sequential else [tuple(models)]


def choose_plan(
    engine: str = "auto",
    *,
    models: Sequence[Model],
    server: str = "auto",
    sequential: bool | None = None,
    machine: Machine | None = None,
    vllm: bool = False,
) -> Plan:
    """The plan for `engine` (auto, docker, vllm or embedded) and the server in Docker (auto, tgi, vllm or sglang).

    `auto` takes Docker where it has a GPU; else vLLM as processes where there is a GPU and `vllm` says that its
    environment is built; else the embedded engine. In Docker it takes TGI, or vLLM for a model that TGI 3.3 cannot read
    right. `sequential` forces one side at a time or forbids it; None lets the GPU's memory decide. Raises DockerMissing
    or ComposeError where what was asked for cannot be.
    """
    if engine not in ENGINES:
        raise ComposeError(f"ENGINE={engine} is unknown; use {', '.join(ENGINES)}")
    if server not in SERVERS:
        raise ComposeError(f"SERVER={server} is unknown; use {', '.join(SERVERS)}")
    if engine == "embedded":
        return _embedded("as requested")
    machine = machine or inspect_machine()
    plan = _chosen(engine, models, server, sequential, machine, vllm)
    return replace(plan, why=f"{plan.why}; {machine.untested}") if machine.untested else plan


def _embedded(why: str) -> Plan:
    for name in ("REPLICAS", "NUM_SHARD"):
        if count_setting(user_settings(), name) > 1:
            raise ComposeError(f"{name} applies to servers in Docker or vLLM, but the embedded engine is used: {why}")
    return Plan("embedded", why)


def _chosen(
    engine: str, models: Sequence[Model], server: str, sequential: bool | None, machine: Machine, vllm: bool
) -> Plan:
    against = _against_gpu(machine)
    if engine == "vllm" or (engine == "auto" and against and machine.gpus and vllm):
        if server not in ("auto", "vllm"):
            raise ComposeError(f"SERVER={server} is served in Docker; use ENGINE=docker, or leave SERVER out")
        return _as_processes(models, sequential, machine.gpus, "" if engine == "vllm" else against)
    if engine == "auto" and against:
        hint = "; on the GPU without Docker: `make env-vllm`, then ENGINE=vllm" if machine.gpus else ""
        return _embedded(against + hint)
    unread = _unread(models) if server in ("auto", "tgi") else ""
    if unread and server == "tgi":
        raise ComposeError(f"{unread}; use SERVER=vllm, ENGINE=vllm or ENGINE=embedded")
    if machine.no_docker:
        raise DockerMissing(machine.no_docker)
    chosen = ("vllm" if unread else "tgi") if server == "auto" else server
    plan = (
        _on_cpu(chosen, models, bool(sequential), against)
        if against
        else _on_gpus(chosen, models, sequential, machine.gpus)
    )
    return replace(plan, why=f"{unread}; {plan.why}") if unread else plan


def plan_dtype(plan: Plan) -> str:
    """What the servers of a plan compute in; TGI's /info does not report it."""
    return "float32" if plan.kind == "embedded" else user_settings().get("DTYPE") or "bfloat16"


#: How the environment that serves is made, by the plan's kind.
_MADE_BY = {
    "embedded": "run `make train` first (it builds .venv-train)",
    "vllm": "run `make env-vllm` first (it builds .venv-vllm)",
}


def check_plan(plan: Plan, models: Sequence[Model], python: Path) -> None:
    """Whether what the plan needs is here, as far as a look tells: the environment of `python`, and local folders.

    Raises EnvironmentMissing or ModelUnreadable.
    """
    if plan.kind in _MADE_BY and not python.is_file():
        raise EnvironmentMissing(f"{python} is missing: {_MADE_BY[plan.kind]}")
    for model in models:
        if plan.kind != "embedded" and is_local(model):
            check_folder(model, plan.server)


def _unread(models: Sequence[Model]) -> str:
    """Why TGI cannot serve one of these; empty where it can, or nothing here tells."""
    return next(filter(None, (not_for_tgi(config_of(model)) for model in models)), "")


def _against_gpu(machine: Machine) -> str:
    """Why Docker with a GPU cannot be; empty where it can."""
    if machine.no_docker:
        return machine.no_docker
    if not machine.gpus:
        return "this machine has no NVIDIA GPU"
    if not machine.gpu_runtime:
        return f"Docker has no GPU runtime for the {machine.gpus[0].name}: install the NVIDIA Container Toolkit"
    return ""


def _as_processes(models: Sequence[Model], sequential: bool | None, gpus: Sequence[Gpu], why: str) -> Plan:
    """vLLM without Docker, placed as in it."""
    if gpus:
        plan = _on_gpus("vllm", models, sequential, gpus)
    else:
        plan = _on_cpu("vllm", models, bool(sequential), "this machine has no NVIDIA GPU")
    file = HERE / ("docker-compose.vllm.yml" if gpus else "docker-compose.vllm-cpu.yml")
    return replace(plan, kind="vllm", files=(file,), why=f"{why}; {plan.why}" if why else plan.why)


#: Server -> its compose file for a CPU.
_CPU_FILES = {"tgi": "docker-compose.cpu.yml", "vllm": "docker-compose.vllm-cpu.yml"}


def _on_cpu(server: str, models: Sequence[Model], sequential: bool, why: str) -> Plan:
    if server not in _CPU_FILES:
        raise ComposeError(
            f"{server} is set up for NVIDIA GPUs only, and {why}; use SERVER=tgi, SERVER=vllm or ENGINE=embedded"
        )
    files = (HERE / "docker-compose.yml", HERE / _CPU_FILES[server])
    why, limits, many = (
        f"as requested, on the CPU: {why}",
        limits_of(models),
        count_setting(user_settings(), "REPLICAS"),
    )
    return Plan("docker", why, server, files, environment=limits, sequential=sequential, replicas=many)


def _on_gpus(server: str, models: Sequence[Model], sequential: bool | None, gpus: Sequence[Gpu]) -> Plan:
    override = () if server == "tgi" else (HERE / f"docker-compose.{server}.yml",)
    files = (HERE / "docker-compose.yml", *override, HERE / "docker-compose.gpu.yml")
    best = sorted(gpus, key=lambda gpu: -gpu.free)
    if max(count_setting(user_settings(), "REPLICAS"), count_setting(user_settings(), "NUM_SHARD")) > 1:
        return _shared_out(server, models, sequential, best, files)
    first, second = best[0], best[1] if len(best) > 1 else best[0]
    placed = {"BASE_GPU": str(first.index), "TUNED_GPU": str(second.index)}
    limits = limits_of(models) | (without_user_settings(_variant(first, second)) if server == "vllm" else {})
    if first is not second and not sequential:
        why = f"GPU {first.index} for the base, GPU {second.index} for the tuned model"
        return Plan("docker", why, server, files, environment=limits | without_user_settings(placed))
    placed["TUNED_GPU"] = placed["BASE_GPU"]
    need = memory_needed(models)
    if sequential or (sequential is None and (need is None or need > first.free * USABLE)):
        room = f"GPU {first.index} has {gib(first.free)} free, {memory_sentence(need)}"
        why = "as requested" if sequential else room
        return Plan("docker", why, server, files, environment=limits | without_user_settings(placed), sequential=True)
    placed |= _fractions(server, first)
    why = f"GPU {first.index} shared: {gib(first.free)} free, {memory_sentence(need)}"
    return Plan("docker", why, server, files, environment=limits | without_user_settings(placed), in_turn=True)


def _shared_out(
    server: str, models: Sequence[Model], sequential: bool | None, best: Sequence[Gpu], files: tuple[Path, ...]
) -> Plan:
    """Several servers a side, or several GPUs a server: each server has GPUs of its own, or the sides take turns."""
    replicas, shards = count_setting(user_settings(), "REPLICAS"), count_setting(user_settings(), "NUM_SHARD")
    sides, order = [model.side for model in models], [gpu.index for gpu in best]
    gpus = {} if sequential else assign_gpus(sides, order, replicas, shards)
    turns = not gpus
    if turns and sequential is not False:
        gpus = {name: own for side in sides for name, own in assign_gpus([side], order, replicas, shards).items()}
    if not gpus:
        each = "each server has its own GPUs, and one side alone" if sequential is not False else "both sides together"
        raise ComposeError(
            f"REPLICAS={replicas} and NUM_SHARD={shards} need more than the {len(best)} GPUs of this machine ({each} "
            f"needs {replicas * shards * (1 if sequential is not False else len(sides))}): give smaller numbers"
        )
    used = [gpu for gpu in best if any(gpu.index in own for own in gpus.values())]
    limits = limits_of(models) | (without_user_settings(_variant(*used)) if server == "vllm" else {})
    shared = {name: "+".join(map(str, own)) for name, own in gpus.items()}
    why = "GPUs " + ", ".join(f"{own} for {name}" for name, own in shared.items())
    return Plan("docker", why, server, files, environment=limits, sequential=turns, replicas=replicas, gpus=gpus)


def _variant(*gpus: Gpu) -> dict[str, str]:
    """vLLM's batch-invariant kernels switched off where a GPU lacks them: it would not start, or answer nothing."""
    old = any(gpu.capability is not None and gpu.capability < INVARIANT for gpu in gpus)
    return {"BATCH_INVARIANT": "0"} if old else {}


def _fractions(server: str, gpu: Gpu) -> dict[str, str]:
    """Each server's share of a common GPU, in that server's own way of counting.

    TGI counts what others hold, so the second one's is the sum; vLLM counts its own use alone; SGLang counts from what
    is free when it starts.
    """
    taken = 1 - gpu.free / gpu.total
    half = (USABLE - taken) / 2
    base, tuned = {
        "tgi": (taken + half, USABLE),
        "vllm": (half, half),
        "sglang": (half / (1 - taken), half / (1 - taken - half)),
    }[server]
    return {"BASE_MEMORY": f"{base:.2f}", "TUNED_MEMORY": f"{tuned:.2f}"}
