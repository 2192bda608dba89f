"""Starts the servers of both sides as processes, and always takes them down again.

Each server is a process in a group of its own and holds our end of a pipe as its standard input. Leaving the stack
ends the groups; if this process is killed, the pipe closes and the servers end: the embedded engine by itself
(compose/embedded/guard.py), vLLM by the process that watches over it (blindside/reaper.py).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from compose.errors import ComposeError, EngineDied, EngineNotHealthy, EnvironmentMissing
from compose.interrupts import interrupts_held
from compose.remedies import remedy
from compose.sides import Survivors, by_side

SEARCHED = 200  # lines of a log in which a cause is looked for
GRACE = 5.0  # seconds between asking a server to end and ending it
# Loopback is never asked through the proxy that http_proxy may name.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Model:
    """One side to serve: `side` is "base" or "tuned", `source` a local folder or a Hub id."""

    side: str
    source: str
    revision: str | None = None


@dataclass
class Server:
    """A started server: its process, its log, and the pipe on which an embedded engine says that it is ready."""

    model: Model
    process: subprocess.Popen[bytes]
    log: Path
    ready: int | None = None
    said: bytes = b""
    url: str = ""
    engine: str = ""
    order: int = field(default=0)

    #: Whether the process only watches over the server, and says by its status which signal ended that.
    watched: bool = False

    def died(self) -> EngineDied | None:
        code = self.process.poll()
        if code is None:
            return None
        code = 128 - code if self.watched and code > 128 else code
        tail = log_tail(self.log)
        return EngineDied(self.model.side, code, self.log, tail, remedy(tail) if self.watched else "")


def silent(line: str) -> None:
    return None


class ProcessStack(ABC):
    """One server per model, as processes of this machine. Use it as a context manager.

    Entering returns when all are healthy and raises EnvironmentMissing, EngineDied or EngineNotHealthy; leaving ends
    them. `logs` gets one `<side>.log` each; `say` gets the progress, a line at a time.
    """

    #: The end of the sentence on an environment that is not there.
    remedy = ""

    def __init__(
        self,
        models: Sequence[Model],
        *,
        python: Path,
        logs: Path,
        startup_seconds: float,
        say: Callable[[str], None] = silent,
    ) -> None:
        if len({model.side for model in models}) != len(models):
            raise ComposeError("two models have the same side; give each its own, such as base and tuned")
        self.models = tuple(models)
        self.python = python
        self.logs = logs
        self.startup_seconds = startup_seconds
        self.say = say
        self.urls: dict[str, str] = {}
        self.served = {model.side: model.source for model in models}
        self.engine = ""
        self._servers: list[Server] = []
        #: None until all are healthy: before that none may end.
        self._survivors: Survivors | None = None

    def __enter__(self) -> Self:
        if not self.python.is_file():
            raise EnvironmentMissing(f"{self.python} is missing: {self.remedy}")
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            self._start_all(time.monotonic() + self.startup_seconds)
        except BaseException:
            self._stop_all()
            raise
        self.urls = {server.model.side: server.url for server in self._servers}
        self.engine = self._servers[0].engine if self._servers else ""
        self._survivors = Survivors(self.say)
        return self

    def addresses(self) -> dict[str, list[str]]:
        """Of each side, those of its servers that live."""
        return by_side(self.urls, self._dead())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_all()

    def check(self) -> None:
        """Raises EngineDied where a server has ended since, and its side has no other one; else that is told once."""
        dead = self._dead()
        if self._survivors is not None:
            self._survivors.check([server.model.side for server in self._servers], dead)
            return
        for death in dead.values():
            raise death

    def _dead(self) -> dict[str, EngineDied]:
        return {server.model.side: death for server in self._servers if (death := server.died())}

    @abstractmethod
    def _start_all(self, deadline: float) -> None:
        """Start the servers, into `_servers`, until all are healthy."""

    # waiting

    def _await_health(self, server: Server, deadline: float) -> None:
        while not healthy(server.url):
            self.check()
            if time.monotonic() > deadline:
                raise self._late(server)
            time.sleep(0.05)
        self.say(f"{server.model.side}: healthy at {server.url}")

    def _late(self, server: Server) -> EngineNotHealthy:
        return EngineNotHealthy(
            f"{server.model.side}: not healthy after {self.startup_seconds:.0f} s; allow more time for a large model; "
            f"its log is {server.log}",
            log_tail(server.log),
        )

    # stopping

    def _stop_all(self) -> None:
        """End every server's group; asked first, then killed. Ctrl-C does not cut this short."""
        servers, self._servers, self._survivors = self._servers, [], None
        self._end(servers)

    def _end(self, servers: Sequence[Server]) -> None:
        with interrupts_held():
            for server in servers:
                _signal_group(server.process, signal.SIGTERM)
            deadline = time.monotonic() + GRACE
            for server in servers:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    server.process.wait(timeout=max(0.0, deadline - time.monotonic()))
                _signal_group(server.process, signal.SIGKILL)
                server.process.wait()
                if server.ready is not None:
                    os.close(server.ready)
                if server.process.stdin:
                    server.process.stdin.close()


def healthy(url: str) -> bool:
    """Whether the server at `url` answers /health with 200."""
    try:
        with _DIRECT.open(f"{url}/health", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def log_tail(log: Path, lines: int = SEARCHED) -> str:
    """The last lines of a log, without blank ones at its end."""
    if not log.is_file():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-lines:])


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """The group outlives its leader where a grandchild does, so it is signalled whether or not the leader is dead."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
