"""Container images: found on this machine, or pulled with visible progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from blindside.errors import BlindsideError
from blindside.words import counted

if TYPE_CHECKING:
    import docker

DOWNLOADING, DONE = "Downloading", ("Download complete", "Pull complete", "Already exists")


class NoImage(BlindsideError):
    """An image is not on this machine and could not be pulled."""


@dataclass
class Pull:
    """What a pull's messages add up to: bytes of each layer, here and in all; layers not begun are counted only."""

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
            here = int(detail.get("current") or 0)
            self.layers[layer] = (here, max(here, int(detail.get("total") or 0)))
            self.waiting.discard(layer)
        elif status in DONE:
            total = self.layers.get(layer, (0, 0))[1]
            self.layers[layer] = (total, total)
            self.waiting.discard(layer)

    @property
    def here(self) -> int:
        return sum(here for here, _ in self.layers.values())

    @property
    def total(self) -> int:
        return sum(total for _, total in self.layers.values())

    def seconds_left(self, now: float) -> float | None:
        """At the mean speed so far; None before anything came, and where nothing is left."""
        speed = self.here / max(now - self.began, 1e-3)
        return (self.total - self.here) / speed if speed and self.total > self.here else None

    def line(self, now: float) -> str:
        """How much is here, how much is left, and for how long."""
        seconds = self.seconds_left(now)
        left = f", {_bytes(self.total - self.here)} left" if self.total else ""
        left += f" (about {duration(seconds)})" if seconds is not None else ""
        waiting = f", {counted(len(self.waiting), 'layer')} not begun" if self.waiting else ""
        return f"{_bytes(self.here)} of {_bytes(self.total)}{left}{waiting}"


def ensure_image(
    client: docker.DockerClient, image: str, show: Callable[[Pull], None], *, chosen_by: str, otherwise: str = ""
) -> Any:
    """The image, pulled first where it is not on this machine; `show` is called while it comes, at each message.

    Raises NoImage, whose sentence names `chosen_by`, the variables that choose an image, and `otherwise`, what else
    can be done (", or …").
    """
    from docker.errors import ImageNotFound

    try:
        return client.images.get(image)
    except ImageNotFound:
        _pull(client, image, show, chosen_by, otherwise)
    try:
        return client.images.get(image)
    except ImageNotFound as error:
        raise NoImage(
            f"{image} was pulled, but Docker does not list it; pull it by hand: `docker pull {image}`"
        ) from error


def is_here(client: docker.DockerClient, image: str) -> bool:
    from docker.errors import ImageNotFound

    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True


def digest(image: Any, name: str) -> str:
    """The registry's digest; the image's own id where it came from no registry."""
    repository = name.partition("@")[0].rpartition(":")[0]
    digests = [str(one) for one in image.attrs.get("RepoDigests") or []]
    own = [one for one in digests if one.partition("@")[0] == repository] or digests
    return own[0].partition("@")[2] if own else str(image.id)


def duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _pull(
    client: docker.DockerClient, image: str, show: Callable[[Pull], None], chosen_by: str, otherwise: str
) -> None:
    from docker.errors import APIError

    name, _, tag = image.partition("@")[0].rpartition(":")
    if "/" in tag or not name:  # the colon was a port's, or there was none
        name, tag = image.partition("@")[0], "latest"
    try:
        stream = client.api.pull(name, tag=image.partition("@")[2] or tag, stream=True, decode=True)
        problem = _hear(stream, show)
    except APIError as error:
        problem = str(error.explanation or error)
    if problem:
        raise NoImage(_refused(image, problem, chosen_by, otherwise))


def _hear(stream: Iterable[dict[str, Any]], show: Callable[[Pull], None]) -> str:
    """What went wrong, in the engine's words; empty where nothing did."""
    pull = Pull()
    for message in stream:
        if "error" in message:
            return str(message["error"])
        pull.take(message)
        if pull.layers:
            show(pull)
    return ""


def _refused(image: str, problem: str, chosen_by: str, otherwise: str) -> str:
    low = problem.lower()
    if "no space left" in low:
        return (
            f"the disk is full, {image} could not be pulled: make room (`docker system prune`), "
            "or move Docker's data to a larger disk"
        )
    if "manifest unknown" in low or "not found" in low or "repository does not exist" in low:
        return f"{image} does not exist; check {chosen_by}"
    if "unauthorized" in low or "denied" in low:
        return f"the registry refuses {image}; run `docker login` first, or check {chosen_by}"
    return (
        f"{image} could not be pulled ({problem.strip()}); check the network, or name a mirror of it with {chosen_by}"
        + otherwise
    )


def _bytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
