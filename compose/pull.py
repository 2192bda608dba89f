"""Pulls the servers' image, and reports its progress."""

from __future__ import annotations

import time
from collections.abc import Callable

import docker

from blindside.containers import images
from blindside.containers.images import NoImage, Pull, duration
from compose.errors import ImageMissing

SAY_EVERY = 5.0  # seconds
CHOSEN_BY = "TGI_IMAGE, VLLM_IMAGE or SGLANG_IMAGE"


def ensure_image(client: docker.DockerClient, image: str, say: Callable[[str], None]) -> str:
    """The image's digest, pulled first where it is not on this machine. Raises ImageMissing."""
    began = last = time.monotonic()
    pulled = not images.is_here(client, image)
    if pulled:
        say(f"pulling {image}")

    def show(pull: Pull) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SAY_EVERY:
            last = now
            say(f"pulling {image}: {pull.line(now)}")

    try:
        found = images.ensure_image(client, image, show, chosen_by=CHOSEN_BY)
    except NoImage as error:
        raise ImageMissing(str(error)) from error
    if pulled:
        say(f"pulled {image} in {duration(time.monotonic() - began)}")
    return images.digest(found, image)
