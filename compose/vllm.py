"""vLLM as processes, for machines without Docker or inside a container: rented GPUs above all.

What it is started with stands in the compose files, and is read from there: both ways serve alike.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from blindside.reaper import COMMAND
from compose.errors import EngineDied
from compose.folder import is_local
from compose.limits import user_settings
from compose.machine import free_port
from compose.plan import Plan
from compose.replicas import port_dial, replicated
from compose.sides import side_of
from compose.stack import Model, ProcessStack, Server

TRIES = 3  # at ports of our own choosing: another program may be quicker
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class VllmStack(ProcessStack):
    """vLLM, once per model, as `plan` says: on a GPU each, on one for both, or on the CPU.

    `python` is the environment's that `make env-vllm` builds.
    """

    remedy = "run `make env-vllm` first (it builds .venv-vllm)"

    def __init__(
        self,
        models: Sequence[Model],
        *,
        plan: Plan,
        python: Path,
        logs: Path,
        startup_seconds: float = 1800.0,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        servers = replicated(models, plan.replicas)
        super().__init__(servers, python=python, logs=logs, startup_seconds=startup_seconds, say=say)
        self.plan = plan
        self.served = {model.side: _source(model) for model in models}

    def _start_all(self, deadline: float) -> None:
        groups = [[model] for model in self.models] if self.plan.in_turn else [list(self.models)]
        for group in groups:
            started = [self._start(model) for model in group]
            for server in started:
                self._await(server, deadline)

    def _start(self, model: Model) -> Server:
        """Start a server at the port that the user chose, or at a free one."""
        port = user_settings().get(port_dial(model.side)) or str(free_port())
        log = self.logs / f"{model.side}.log"
        command, environment = service(self.plan, model)
        words = [*COMMAND, str(self.python), "-P", "-m", "vllm.entrypoints.cli.main", "serve", *command]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*words, "--host=127.0.0.1", f"--port={port}"],  # the last of an option counts
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._environment(model, environment),
            )
        self.say(f"{model.side}: starting {model.source} by vLLM")
        server = Server(model, process, log, url=f"http://127.0.0.1:{port}", engine=self._name(), watched=True)
        self._servers.append(server)
        return server

    def _await(self, server: Server, deadline: float) -> None:
        """Until it is healthy. Where another program took its port meanwhile, it is started again at another one."""
        for attempt in range(1, TRIES + 1):
            try:
                self._await_health(server, deadline)
                self.check()
            except EngineDied as death:
                chosen = user_settings().get(port_dial(death.side))
                ours = death.side == server.model.side and "port is taken" in death.remedy
                if chosen or not ours or attempt == TRIES:
                    raise
                self._servers.remove(server)
                self._end([server])
                server = self._start(server.model)
            else:
                return

    def _environment(self, model: Model, given: Mapping[str, str]) -> dict[str, str]:
        threads = str(max(1, (os.cpu_count() or 1) // len(self.models)))
        whole = {**os.environ, "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false", **given}
        if is_local(model):
            whole["HF_HUB_OFFLINE"] = "1"
        own = ",".join(map(str, self.plan.gpus.get(model.side, ())))
        if gpu := own or {**self.plan.environment, **user_settings()}.get(f"{side_of(model.side).upper()}_GPU"):
            # As nvidia-smi counts them, by which the plan names them.
            return whole | {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": gpu}
        return whole | {"OMP_NUM_THREADS": threads, "VLLM_CPU_OMP_THREADS_BIND": "nobind"}

    def _name(self) -> str:
        """The package with its version; a build by others is distinguished from vLLM's own."""
        packages = self.python.parents[1].glob("lib/python3*/site-packages/vllm*.dist-info/METADATA")
        # That other build, vllm_cpu, answers to the name vllm too.
        last = max((path.parent.name for path in packages), default="vllm-")
        package, _, version = last.removesuffix(".dist-info").partition("-")
        return f"{package.replace('_', '-')} {version}".strip()


def service(plan: Plan, model: Model) -> tuple[list[str], dict[str, str]]:
    """What the plan's compose file starts one side's server with: the words behind `vllm serve`, and variables."""
    name = side_of(model.side).upper()
    values = {**plan.environment, **user_settings(), f"{name}_MODEL": _source(model)}
    values |= {f"{name}_REVISION": model.revision} if model.revision else {}
    side = yaml.safe_load(plan.files[-1].read_text(encoding="utf-8"))["services"][side_of(model.side)]
    return [_fill(word, values) for word in side["command"]], {
        key: _fill(value, values) for key, value in side["environment"].items()
    }


def _fill(text: Any, values: Mapping[str, str]) -> str:
    """A word of a compose file with its variables, as Compose fills them: an empty one counts as none."""
    return _VARIABLE.sub(lambda found: values.get(found[1]) or found[2] or "", str(text))


def _source(model: Model) -> str:
    return str(Path(model.source).expanduser().resolve()) if is_local(model) else model.source
