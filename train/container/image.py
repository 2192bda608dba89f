"""Axolotl's image: which one, and pulled with its progress shown where it is not on this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound

from train.errors import LaunchError
from train.progress import Progress

#: The release that .venv-train has too. Axolotl's docs (docs/docker.qmd, "Tags format") give every tagged release the
#: bare tag of its version: the newest CUDA and PyTorch of that release. AXOLOTL_IMAGE names another one.
IMAGE = "axolotlai/axolotl:0.19.0"
#: What that image is built for; drivers before R580 know it only on data centre GPUs.
CUDA = (13, 0)
_DOWNLOADED = ("Download complete", "Pull complete", "Already exists")


def image_name() -> str:
    return os.environ.get("AXOLOTL_IMAGE") or IMAGE


@dataclass
class Pull:
    """What a pull's messages add up to: bytes of each layer, here and in all."""

    layers: dict[str, tuple[int, int]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def take(self, message: dict[str, Any]) -> None:
        """One message of the engine's stream."""
        layer, status = str(message.get("id", "")), str(message.get("status", ""))
        if status == "Downloading":
            detail = message.get("progressDetail") or {}
            here = int(detail.get("current") or 0)
            self.layers[layer] = (here, max(here, int(detail.get("total") or 0)))
        elif status in _DOWNLOADED and layer in self.layers:
            total = self.layers[layer][1]
            self.layers[layer] = (total, total)

    def bar(self, now: float) -> str:
        """As a progress bar prints itself, in MB, with the time left."""
        here, total = (sum(pair[place] for pair in self.layers.values()) // 1_000_000 for place in (0, 1))
        speed = here / max(now - self.began, 1e-3)
        left = f"about {max(total - here, 0) / speed / 60:.0f} min left" if speed else "waiting"
        return f"pulling the image, MB ({left}): {100 * here // max(total, 1)}%|#| {here}/{total} [00:00<?, ?MB/s]"


def ensure(client: docker.DockerClient, image: str, progress: Progress) -> Any:
    """The image, pulled first where it is not on this machine. Raises LaunchError."""
    try:
        return client.images.get(image)
    except ImageNotFound:
        _pull(client, image, progress)
    try:
        return client.images.get(image)
    except ImageNotFound:
        raise LaunchError(f"{image} was pulled, but is not there; pull it by hand: `docker pull {image}`") from None


def digest(image: Any) -> str:
    """The registry's digest; the image's own id where it came from no registry."""
    digests = [str(one) for one in image.attrs.get("RepoDigests") or []]
    return digests[0].partition("@")[2] if digests else str(image.id)


def _pull(client: docker.DockerClient, image: str, progress: Progress) -> None:
    name, _, tag = image.partition("@")[0].rpartition(":")
    if "/" in tag or not name:  # the colon was a port's, or there was none
        name, tag = image.partition("@")[0], "latest"
    try:
        stream = client.api.pull(name, tag=image.partition("@")[2] or tag, stream=True, decode=True)
        _hear(stream, image, progress)
    except APIError as error:
        raise LaunchError(_refused(image, str(error.explanation or error))) from error


def _hear(stream: Iterable[dict[str, Any]], image: str, progress: Progress) -> None:
    pull, said = Pull(), 0.0
    for message in stream:
        if "error" in message:
            raise LaunchError(_refused(image, str(message["error"])))
        pull.take(message)
        now = time.monotonic()
        if now - said >= 1 and pull.layers:
            said = now
            progress.feed(pull.bar(now))


def _refused(image: str, problem: str) -> str:
    low = problem.lower()
    if "no space left" in low:
        return f"the disk is full before {image} is here: `docker system prune`, or move Docker's data to a larger disk"
    if "manifest unknown" in low or "not found" in low or "repository does not exist" in low:
        return f"{image} does not exist; check AXOLOTL_IMAGE"
    if "unauthorized" in low or "denied" in low:
        return f"the registry refuses {image}; `docker login` to it first, or check AXOLOTL_IMAGE"
    return (
        f"{image} could not be pulled ({problem.strip()}): check the network, name a mirror of it with AXOLOTL_IMAGE, "
        "or train with TRAINER=local"
    )
