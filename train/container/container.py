"""Runs Axolotl in its image: same command, log, figures and errors as `launch.axolotl`.

The image's user is root, and its Python lies below /root, which only root may enter: `--user` alone cannot start it
(docker/Dockerfile-uv-base). So the container starts as root, opens the way to that Python in its own copy of the image,
and becomes the caller before it runs anything: every file is the caller's from the first byte. Where the caller cannot
start that Python anyway, the command runs as root and its files are given to the caller when it ends.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import docker
from docker.errors import DockerException, NotFound
from docker.utils import socket as sockets
from requests.exceptions import RequestException

from blindside.containers import reaper
from blindside.containers.images import digest
from blindside.containers.owned import OWNER, RUN, owner, remove_labelled
from blindside.reaper import GRACE
from train.container import image as images
from train.container.container_spec import explain, options, packed, variables_of
from train.container.mounts import extra_mounts
from train.errors import LaunchError
from train.launch import ROOT, asked_launch, failure, launching
from train.progress import Progress
from train.recipe import Recipe, read_recipe
from train.resources.gpus import chosen_gpus, connect, find_engine
from train.resources.hub import token_of
from train.resources.memory import wants_gpu

_VERSIONS = (
    "import json, sys; from importlib.metadata import version; print(json.dumps({n: version(n) for n in sys.argv[1:]}))"
)


def container_wanted(recipe: Recipe) -> bool:
    """Whether the recipe is to be trained in the image: TRAINER=docker or local says so; auto (the default) where a
    GPU recipe meets a GPU that Docker can give to containers. Raises LaunchError for another word.
    """
    trainer = os.environ.get("TRAINER") or "auto"
    if trainer not in ("auto", "docker", "local"):
        raise LaunchError(f"TRAINER is {trainer!r}; give auto, docker or local")
    if trainer != "auto" or not wants_gpu(recipe.config) or not chosen_gpus():
        return trainer == "docker"
    return find_engine().gpu_runtime


def axolotl(
    command: str, recipe: Path, *, env: Path, log: Path, offline: bool, progress: Progress, cwd: Path = ROOT
) -> dict[str, float]:
    """Run `axolotl COMMAND RECIPE` in the image to its end and return the figures that it printed.

    The output is added to `log`; relative paths of the recipe are taken from `cwd`; `env` is not used, the image has
    its own. The container is gone afterwards, however this ends. Raises LaunchError with the end of the log.
    """
    words, variables = launching(command, recipe, variables_of(env, offline=offline))
    what = ["axolotl", command, str(recipe.absolute()), *words]
    client = connect()
    try:
        with _reaped(client) as run:
            image = images.ensure_image(client, images.image_name(), progress)
            chosen = options(client.info(), what, read_recipe(recipe), cwd, variables)
            chosen |= {} if asked_launch(recipe).nodes == 1 else {"network_mode": "host"}
            container = _create(client, image, run, chosen, token_of(variables))
            status = _follow(client, container, log, progress)
    except (DockerException, RequestException) as error:
        raise LaunchError(explain(error)) from error
    finally:
        progress.close()
        client.close()
    if status != 0:
        raise failure(f"axolotl {command}", recipe, status, log)
    return dict(progress.metrics)


def versions(packages: Sequence[str], progress: Progress) -> dict[str, str]:
    """Of the image's packages, and `image`: its digest. Pulls the image where it is not here. Raises LaunchError."""
    client = connect()
    try:
        image = images.ensure_image(client, images.image_name(), progress)
        with _reaped(client) as run:
            chosen = {"environment": {"HOME": "/tmp"}, "network_mode": "none", "user": "0", "mounts": extra_mounts()}
            container = _create(client, image, run, chosen | {"command": ["python", "-c", _VERSIONS, *packages]}, "")
            container.start()
            failed = container.wait()["StatusCode"] != 0
            log = container.logs(stderr=failed).decode("utf-8", "replace").strip()
    except (DockerException, RequestException) as error:
        raise LaunchError(explain(error)) from error
    finally:
        progress.close()
        client.close()
    if failed:
        raise LaunchError(f"{images.image_name()} has no Axolotl; check AXOLOTL_IMAGE", tail=log.splitlines()[-5:])
    return {**json.loads(log.splitlines()[-1]), "image": digest(image, images.image_name())}


@contextmanager
def _reaped(client: docker.DockerClient) -> Iterator[str]:
    """A name for the run. When it ends, or this process is gone, containers of that name are stopped and removed."""
    run = f"train-{secrets.token_hex(4)}"
    label, removed = f"{RUN}={run}", False
    guard = reaper.start(label, grace=int(GRACE))
    try:
        yield run
    finally:
        try:
            remove_labelled(client, label, grace=int(GRACE))
            removed = True
        finally:
            reaper.dismiss(guard, all_down=removed)


def _create(client: docker.DockerClient, image: Any, run: str, chosen: dict[str, Any], token: str) -> Any:
    container = client.containers.create(image.id, labels={RUN: run, OWNER: owner()}, **chosen)
    if token:
        container.put_archive("/", packed(token))
    return container


def _follow(client: docker.DockerClient, container: Any, log: Path, progress: Progress) -> int:
    """Start it, and read what it prints as it comes (the log of the engine would hold a moving bar back)."""
    log.parent.mkdir(parents=True, exist_ok=True)
    stream = client.api.attach_socket(container.id, params={"stdout": 1, "stderr": 1, "stream": 1})
    try:
        container.start()
        with log.open("ab") as file:
            for line in _lines(stream, file):
                progress.feed(line)
    finally:
        stream._response.close()  # and the stream with it
    return _ended(container)


def _ended(container: Any) -> int:
    """The exit status of a container that printed its last. Raises LaunchError where somebody removes it."""
    removed = LaunchError("Axolotl's container was removed while it ran; train again")
    try:
        status = int(container.wait()["StatusCode"])
        container.reload()
    except NotFound:
        raise removed from None
    if container.status in ("removing", "dead"):
        raise removed
    return status


def _lines(stream: Any, log: IO[bytes]) -> Iterator[str]:
    """Lines as they come, ended by a newline or by a carriage return; all bytes go to the log."""
    pending = b""
    frames: Iterator[tuple[int, bytes]] = sockets.frames_iter(stream, tty=False)  # type: ignore[no-untyped-call]
    for _, chunk in frames:
        log.write(chunk)
        log.flush()
        *whole, pending = (pending + chunk).replace(b"\r", b"\n").split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    yield pending.decode("utf-8", "replace")
