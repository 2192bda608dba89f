"""Axolotl's image: its name, and pulling it with visible progress."""

from __future__ import annotations

import os
import time
from typing import Any

import docker

from blindside.containers import images
from blindside.containers.images import NoImage, Pull
from train.errors import LaunchError
from train.progress import Progress

#: The release that .venv-train has too. Axolotl's docs (docs/docker.qmd, "Tags format") give every tagged release the
#: bare tag of its version: the newest CUDA and PyTorch of that release. AXOLOTL_IMAGE names another one.
IMAGE = "axolotlai/axolotl:0.19.0"
#: What that image is built for; drivers before R580 know it only on data centre GPUs.
CUDA = (13, 0)


def image_name() -> str:
    return os.environ.get("AXOLOTL_IMAGE") or IMAGE


def ensure_image(client: docker.DockerClient, image: str, progress: Progress) -> Any:
    """The image, pulled first where it is not on this machine. Raises LaunchError."""
    last = 0.0

    def show(pull: Pull) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 1:
            last = now
            progress.feed(bar(pull, now))

    try:
        return images.ensure_image(
            client, image, show, chosen_by="AXOLOTL_IMAGE", otherwise=", or train with TRAINER=local"
        )
    except NoImage as error:
        raise LaunchError(str(error)) from error


def bar(pull: Pull, now: float) -> str:
    """As a progress bar prints itself, in MB, with the time left."""
    here, total = pull.here // 1_000_000, pull.total // 1_000_000
    seconds = pull.seconds_left(now)
    left = f"about {seconds / 60:.0f} min left" if seconds is not None else "waiting"
    return f"pulling the image, MB ({left}): {100 * here // max(total, 1)}%|#| {here}/{total} [00:00<?, ?MB/s]"
