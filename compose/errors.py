"""The errors of serving two models.

ComposeError              what a person can fix: one sentence with the remedy, exit status 1
├── EnvironmentMissing    the environment that serves is not there
├── ModelUnreadable       a model folder or Hub id cannot be served
├── PortTaken             the port asked for belongs to another program
├── DockerMissing         no Docker, no Compose v2, or an engine that does not answer
├── ImageMissing          an image is not here and could not be pulled
├── EngineDied            a server has ended by itself (names side, exit code, log, its last lines)
│   └── ContainerDied     … in a container
└── EngineNotHealthy      a server runs, but does not become healthy in time
"""

from __future__ import annotations

import re
from pathlib import Path

from blindside.errors import BlindsideError

MOST = 5
_LONGEST = 300  # characters of a line
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
#: Routine lines of servers, for each successful request or every few seconds: TGI, uvicorn, vLLM, SGLang.
_ROUTINE = re.compile(
    r"\bINFO\b.*\b(total_time=|inference_time=)"
    r"|\bINFO:?\s.*\"(GET|POST|HEAD|OPTIONS) \S+ HTTP/[\d.]+\" 2\d\d"
    r"|\bINFO\b.*(Avg prompt throughput|Decode batch|Prefill batch)"
)


def excerpt(log: str, most: int = MOST) -> tuple[str, ...]:
    """The last lines that say something: without colours, blank lines, and what is written for each request."""
    lines = [_COLOURS.sub("", line).strip() for line in re.split(r"[\r\n]+", log)]
    useful = [line for line in lines if line and not _ROUTINE.search(line)]
    return tuple(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in useful[-most:])


class ComposeError(BlindsideError):
    """The root of this stage."""

    lines = True


class EnvironmentMissing(ComposeError):
    """The environment with torch and transformers has not been built."""


class ModelUnreadable(ComposeError):
    """A model cannot be loaded: the folder or id is wrong, or a file in it is."""


class PortTaken(ComposeError):
    """Another program listens on the port that was asked for."""


class DockerMissing(ComposeError):
    """Docker, its Compose plugin or its engine is not there, or does not let this user in."""


class ImageMissing(ComposeError):
    """A container image is not on this machine and could not be pulled."""


class EngineDied(ComposeError):
    """A server has ended by itself.

    `code` is the exit code (negative: the signal), `tail` the end of its log, `remedy` the known cause with what fixes
    it, or empty.
    """

    def __init__(self, side: str, code: int, log: Path, tail: str, remedy: str = "") -> None:
        own = _last_word(tail)
        ended = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        unknown = f"the server {ended}; its log is {log}" if tail else f"the server {ended} and wrote nothing to {log}"
        known = f"{remedy} (exit code {code}; its log is {log})" if remedy else own
        super().__init__(f"{side}: {known or unknown}")
        self.side = side
        self.code = code
        self.log = log
        self.tail = tail
        self.remedy = remedy
        self.excerpt = () if own and not remedy else excerpt(tail)


class ContainerDied(EngineDied):
    """A container has ended."""


class EngineNotHealthy(ComposeError):
    """A server runs, but did not become healthy in the time allowed. `tail` is the end of its log."""

    def __init__(self, problem: str, tail: str = "") -> None:
        super().__init__(problem)
        self.excerpt = excerpt(tail)


def _last_word(tail: str) -> str:
    """What the server itself said last, where it knew what was wrong."""
    last = tail.splitlines()[-1:]
    return last[0].removeprefix("error: ") if last and last[0].startswith("error: ") else ""
