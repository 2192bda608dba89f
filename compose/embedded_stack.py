"""Starts the embedded CPU engine once per model."""

from __future__ import annotations

import json
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from blindside.places import python_path
from compose.stack import GRACE, Model, ProcessStack, Server, silent


class EmbeddedStack(ProcessStack):
    """The embedded engine, once per model."""

    remedy = "run `make train` first (it builds .venv-train)"

    def __init__(
        self,
        models: Sequence[Model],
        *,
        python: Path,
        logs: Path,
        startup_seconds: float = 300.0,
        say: Callable[[str], None] = silent,
        extra_args: Sequence[str] = (),
    ) -> None:
        super().__init__(models, python=python, logs=logs, startup_seconds=startup_seconds, say=say)
        self.extra_args = tuple(extra_args)

    def _start_all(self, deadline: float) -> None:
        for model in self.models:
            self._servers.append(self._start(model))
            self.say(f"{model.side}: loading {model.source}")
        self._await_all(deadline)

    # starting

    def _start(self, model: Model) -> Server:
        log = self.logs / f"{model.side}.log"
        ready, ready_child = os.pipe()
        try:
            with log.open("wb") as out:
                process = self._spawn(model, ready_child, out)
        except BaseException:
            os.close(ready)
            raise
        finally:
            os.close(ready_child)
        return Server(model, process, log, ready)

    def _spawn(self, model: Model, ready: int, out: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [str(self.python), "-P", "-m", "compose.embedded", "--model-id", model.source, "--port", "0"]
        command += ["--enable-prefill-logprobs", "--ready-fd", str(ready), "--parent-pid", str(os.getpid())]
        command += ["--revision", model.revision] if model.revision else []
        # The kernel ties its signal to the thread that forks; only the main one lives as long as the process.
        if threading.current_thread() is threading.main_thread():
            command.append("--parent-by-kernel")
        return subprocess.Popen(
            [*command, *self.extra_args],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=(ready,),
            start_new_session=True,
            env=self._environment(),
        )

    def _environment(self) -> dict[str, str]:
        threads = str(max(1, (os.cpu_count() or 1) // max(1, len(self.models))))
        return os.environ | {
            "PYTHONPATH": python_path(),
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "TOKENIZERS_PARALLELISM": "false",
            "PYTHONUNBUFFERED": "1",
        }

    # waiting

    def _await_all(self, deadline: float) -> None:
        """Until every server has said its port and answers /health; the first death ends it."""
        waiting = list(self._servers)
        while waiting:
            self.check()
            if time.monotonic() > deadline:
                raise self._late(waiting[0])
            pipes = [server.ready for server in waiting if server.ready is not None]
            readable, _, _ = select.select(pipes, [], [], 0.2)
            for server in [one for one in waiting if one.ready in readable]:
                if self._hear(server):
                    self._await_health(server, deadline)
                    waiting.remove(server)

    def _hear(self, server: Server) -> bool:
        """Take what the server wrote on its pipe; True when the line is complete."""
        assert server.ready is not None
        part = os.read(server.ready, 4096)
        if not part:  # closed without a line: it is about to be dead
            server.process.wait(timeout=GRACE)
            return False
        server.said += part
        if not server.said.endswith(b"\n"):
            return False
        ready: dict[str, Any] = json.loads(server.said)
        server.url, server.engine = f"http://127.0.0.1:{ready['port']}", ready["engine"]
        return True
