"""The errors of serving two models.

ComposeError              what a person can mend: one sentence with the remedy, exit status 1
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

from pathlib import Path

from blindside.errors import BlindsideError


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

    `code` is the exit code (negative: the signal), `tail` the last lines of its log, `remedy` the known cause with what
    mends it, or empty.
    """

    def __init__(self, side: str, code: int, log: Path, tail: str, remedy: str = "") -> None:
        known = f"{side}: {remedy} (exit code {code}); the last lines of {log}:\n{tail}"
        super().__init__(known if remedy else _died(side, code, log, tail))
        self.side = side
        self.code = code
        self.log = log
        self.tail = tail
        self.remedy = remedy


class ContainerDied(EngineDied):
    """A container has ended."""


class EngineNotHealthy(ComposeError):
    """A server runs, but did not become healthy in the time allowed."""


def _died(side: str, code: int, log: Path, tail: str) -> str:
    """The server's own last word where it knew what was wrong, and else the end of its log."""
    lines = tail.splitlines()
    if lines and lines[-1].startswith("error: "):
        return f"{side}: {lines[-1].removeprefix('error: ')}"
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    if not lines:
        return f"{side}: the server {how} and left nothing in {log}"
    return f"{side}: the server {how}; the last lines of {log}:\n{tail}"
