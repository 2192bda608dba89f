"""Watches a run's containers: copies their logs into files, and reports at once when one dies.

One thread hears the engine's events, one more reads each log. `check` may be called from any thread, often.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import requests
import urllib3
from docker.errors import APIError, DockerException, NotFound

from compose.errors import ComposeError, ContainerDied, DockerMissing, EngineNotHealthy
from compose.leftovers import PROJECT, SIDE
from compose.machine import connect
from compose.remedies import remedy
from compose.stack import SEARCHED

SAY_EVERY = 5.0  # seconds between two lines of progress of one side
LOST = (requests.RequestException, urllib3.exceptions.HTTPError, DockerException, OSError)
PROGRESS = (
    (re.compile(r"Download: \[(\d+)/(\d+)\] -- ETA: (\d+:\d+:\d+)"), "weights: file {0} of {1} downloaded, {2} left"),
    (
        re.compile(r"(\S+\.safetensors):\s+(\d+)%\|.*?\| \S+/(\S+) \[\S+?<([\d:?]+)"),
        "weights: {0} {1}% of {2}, {3} left",
    ),
    (re.compile(r"Download file: (\S+)"), "weights: downloading {0}"),
    (re.compile(r"Warming up model"), "weights loaded, warming up"),
)


class ContainerWatch:
    """What becomes of the containers of one project, from its creation on; `logs` gets one `<side>.log` each."""

    def __init__(self, project: str, logs: Path, say: Callable[[str], None]) -> None:
        self.logs = logs
        self.say = say
        self._trouble: dict[str, ComposeError] = {}
        self._ids: dict[str, str] = {}
        self._closing = threading.Event()
        self._client = connect()
        self._events = self._client.events(decode=True, filters={"label": f"{PROJECT}={project}", "type": "container"})
        self._followers: list[threading.Thread] = []
        self._listener = threading.Thread(target=self._listen, name="watch", daemon=True)
        self._listener.start()

    def check(self) -> None:
        """Raises ContainerDied, EngineNotHealthy or DockerMissing where something is wrong now."""
        for trouble in self.troubles().values():
            raise trouble

    def troubles(self) -> dict[str, ComposeError]:
        """What is wrong now, by container. Raises DockerMissing."""
        found = dict(self._trouble)
        if "" in found:
            raise found[""]
        for side, container in list(self._ids.items()):
            if side not in found and (death := self._looked(side, container)):
                found[side] = death
        return found

    def address(self, side: str, port: str) -> tuple[str, str] | None:
        """Where a container's port is published on this machine: (host, port); None while it is not."""
        if side not in self._ids:
            return None
        try:
            ports = self._client.containers.get(self._ids[side]).attrs["NetworkSettings"]["Ports"]
        except NotFound:
            return None
        published = ports.get(port) or []
        return (published[0]["HostIp"], published[0]["HostPort"]) if published else None

    def tail(self, side: str, lines: int = SEARCHED) -> str:
        """The end of a container's log: from the engine, or from our file where the container is gone."""
        try:
            text = self._client.api.logs(self._ids[side], tail=lines).decode(errors="replace")
        except (KeyError, *LOST):
            path = self.logs / f"{side}.log"
            text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        return "\n".join(text.rstrip().splitlines()[-lines:])

    def closing(self) -> None:
        """From here on containers end because we end them."""
        self._closing.set()

    def close(self) -> None:
        """Stop watching, once the containers are gone and the last of their logs is written."""
        self._closing.set()
        for thread in self._followers:
            thread.join(timeout=2)
        with contextlib.suppress(*LOST):
            self._events.close()
        self._listener.join(timeout=2)
        self._client.close()

    # events

    def _listen(self) -> None:
        try:
            for event in self._events:
                attributes = event["Actor"]["Attributes"]
                self._hear(event["Action"], attributes.get(SIDE, ""), event["Actor"]["ID"], attributes)
        except LOST:
            pass
        if not self._closing.is_set():
            self._trouble[""] = DockerMissing("the Docker engine has stopped answering: start it, then run this again")

    def _hear(self, action: str, side: str, container: str, attributes: dict[str, str]) -> None:
        if action == "start":
            self._started(side, container)
        elif self._closing.is_set():
            return
        elif action == "die":
            code = attributes.get("exitCode", "0")
            self._trouble[side] = self._death(side, container, int(code))
            self.say(f"{side}: the container has ended (exit code {code})")
        elif action == "oom":
            self.say(f"{side}: the container is out of memory")
        elif action == "health_status: unhealthy":
            self._trouble[side] = self._sick(side)
            self.say(f"{side}: the container is unhealthy")
        elif action == "health_status: healthy" and isinstance(self._trouble.get(side), EngineNotHealthy):
            self._trouble.pop(side, None)
            self.say(f"{side}: the container is healthy again")

    def _started(self, side: str, container: str) -> None:
        again = self._ids.get(side) == container
        self._ids[side] = container
        self._trouble.pop(side, None)
        if again:
            self.say(f"{side}: the container was started again")
        thread = threading.Thread(target=self._follow, args=(side, container), name=f"log-{side}", daemon=True)
        self._followers.append(thread)
        thread.start()

    def _looked(self, side: str, container: str) -> ContainerDied | None:
        try:
            state = self._client.api.inspect_container(container)["State"]
        except NotFound:
            return ContainerDied(
                side, -1, self.logs / f"{side}.log", self.tail(side), "another program or person removed its container"
            )
        except LOST as error:
            raise DockerMissing("the Docker engine has stopped answering: start it, then run this again") from error
        ended = state["Status"] in ("exited", "dead")
        return self._death(side, container, int(state["ExitCode"])) if ended else None

    def _death(self, side: str, container: str, code: int) -> ContainerDied:
        oom = False
        with contextlib.suppress(*LOST):
            oom = bool(self._client.api.inspect_container(container)["State"]["OOMKilled"])
        tail = self.tail(side)
        return ContainerDied(side, code, self.logs / f"{side}.log", tail, remedy(tail, code=code, oom=oom))

    def _sick(self, side: str) -> EngineNotHealthy:
        return EngineNotHealthy(
            f"{side}: the server runs, but no longer answers its health check; its log is {self.logs / f'{side}.log'}",
            self.tail(side),
        )

    # logs

    def _follow(self, side: str, container: str) -> None:
        """Write the log to its file as it comes, all of it again after a restart, and say what it tells of progress."""
        client = connect()
        try:
            with (self.logs / f"{side}.log").open("wb", buffering=0) as out:
                stream = client.api.logs(container, stream=True, follow=True)
                self._copy(side, stream, out.write)
        except (APIError, *LOST):
            pass  # the container is gone, or the engine: the listener tells
        finally:
            client.close()

    def _copy(self, side: str, stream: Iterable[Any], write: Callable[[bytes], object]) -> None:
        reported_at, rest = 0.0, ""
        for part in stream:
            write(part)
            *lines, rest = re.split(r"[\r\n]+", rest + part.decode(errors="replace"))
            news = [text for text in map(progress, lines) if text]
            if news and time.monotonic() - reported_at >= SAY_EVERY:
                reported_at = time.monotonic()
                self.say(f"{side}: {news[-1]}")


def progress(line: str) -> str:
    """What a line of a server's log says of its weights; empty where it says nothing of them."""
    for pattern, text in PROGRESS:
        if found := pattern.search(line):
            return text.format(*found.groups())
    return ""
