"""The image: taken from this machine, or pulled with its progress said as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound

from blindside.words import counted
from compose.errors import ImageMissing
from compose.remedies import remedy

SAY_EVERY = 5.0  # seconds
DOWNLOADING, DONE = "Downloading", ("Download complete", "Pull complete", "Already exists")


@dataclass
class Progress:
    """What a pull's messages add up to: bytes of each layer, here and in all."""

    layers: dict[str, tuple[int, int]] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    began: float = field(default_factory=time.monotonic)

    def take(self, message: dict[str, Any]) -> None:
        """One message of the engine's stream."""
        layer, status = str(message.get("id", "")), str(message.get("status", ""))
        if status in ("Pulling fs layer", "Waiting"):
            self.waiting.add(layer)
        elif status == DOWNLOADING:
            detail = message.get("progressDetail") or {}
            here = int(detail.get("current", 0))
            self.layers[layer] = (here, max(here, int(detail.get("total", 0))))
            self.waiting.discard(layer)
        elif status in DONE:
            total = self.layers.get(layer, (0, 0))[1]
            self.layers[layer] = (total, total)
            self.waiting.discard(layer)

    def line(self, now: float) -> str:
        """How much is here, how much is left, and for how long; layers not begun yet are counted, not weighed."""
        here, total = (sum(pair[place] for pair in self.layers.values()) for place in (0, 1))
        speed = here / max(now - self.began, 1e-3)
        left = f", {_bytes(total - here)} left" if total else ""
        left += f" (about {_seconds((total - here) / speed)})" if speed and total > here else ""
        return f"{_bytes(here)} of {_bytes(total)}{left}" + (
            f", {counted(len(self.waiting), 'layer')} not begun" if self.waiting else ""
        )


def ensure(client: docker.DockerClient, image: str, say: Callable[[str], None]) -> str:
    """The image's digest, pulled first where it is not on this machine. Raises ImageMissing."""
    try:
        client.images.get(image)
    except ImageNotFound:
        say(f"pulling {image}")
        _pull(client, image, say)
    try:
        return _digest(client.images.get(image), image)
    except ImageNotFound as error:
        raise ImageMissing(f"{image} was pulled, but is not there; pull it by hand: `docker pull {image}`") from error


def _pull(client: docker.DockerClient, image: str, say: Callable[[str], None]) -> None:
    name, _, tag = image.partition("@")[0].rpartition(":")
    if "/" in tag or not name:  # the colon was a port's, or there was none
        name, tag = image.partition("@")[0], "latest"
    digest = image.partition("@")[2]
    try:
        stream = client.api.pull(name, tag=digest or tag, stream=True, decode=True)
        _hear(stream, image, say)
    except APIError as error:
        raise ImageMissing(_refused(image, str(error.explanation or error))) from error


def _hear(stream: Iterable[dict[str, Any]], image: str, say: Callable[[str], None]) -> None:
    progress, said = Progress(), time.monotonic()
    for message in stream:
        if "error" in message:
            raise ImageMissing(_refused(image, str(message["error"])))
        progress.take(message)
        now = time.monotonic()
        if now - said >= SAY_EVERY and progress.layers:
            said = now
            say(f"pulling {image}: {progress.line(now)}")
    say(f"pulled {image} in {_seconds(time.monotonic() - progress.began)}")


def _refused(image: str, problem: str) -> str:
    known = remedy(problem)
    if known:
        return f"{image} could not be pulled: {known}"
    low = problem.lower()
    if "manifest unknown" in low or "not found" in low or "repository does not exist" in low:
        return f"{image} does not exist; check TGI_IMAGE, VLLM_IMAGE or SGLANG_IMAGE"
    if "unauthorized" in low or "denied" in low:
        return f"the registry refuses {image}; `docker login` to it first"
    return (
        f"{image} could not be pulled ({problem.strip()}); check the network, "
        "or name a mirror of it with TGI_IMAGE, VLLM_IMAGE or SGLANG_IMAGE"
    )


def _digest(image: Any, name: str) -> str:
    """The registry's digest; the image's own id where it came from no registry."""
    repository = name.partition("@")[0].rpartition(":")[0]
    digests = [str(one) for one in image.attrs.get("RepoDigests") or []]
    mine = [one for one in digests if one.partition("@")[0] == repository] or digests
    return mine[0].partition("@")[2] if mine else str(image.id)


def _bytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _seconds(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
