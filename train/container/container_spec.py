"""How a training's container is created: user, mounts, GPUs, and what `docker inspect` may show."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker.errors import APIError
from docker.types import DeviceRequest, LogConfig

from blindside.machine import reaches_gpus
from blindside.remedies import KnownCause, first_remedy
from train.container.mounts import CACHES, mounts, written_folders
from train.launch import environment
from train.recipe import Recipe
from train.resources.gpus import visible
from train.resources.hub import cache_of, token_of

SHM = "10g"  # as Axolotl's docs run it; taken from memory only as it is used
TOKEN = "/run/secrets/hf_token"
_HANDED_ON = ("HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "AXOLOTL_DO_NOT_TRACK", "DO_NOT_TRACK")
_ALSO = ("WANDB_MODE", "TOKENIZERS_PARALLELISM", "PYTHONUNBUFFERED", "PYTHONPATH", *CACHES)
_PREFIXES = ("NCCL_", "PYTORCH_", "TORCH_")

#: $1 user, $2 group, $3 groups, $4 how many folders were written; then those folders; then the command.
START = r"""
user=$1 group=$2 groups=$3 count=$4; shift 4
folders=
while [ "$count" -gt 0 ]; do folders="$folders
$1"; shift; count=$((count - 1)); done
mkdir -p "$HOME"
become= later=
if [ "$user" != 0 ]; then
  chown "$user:$group" "$HOME"
  chmod a+x /root 2>/dev/null
  become="setpriv --reuid=$user --regid=$group --groups=$groups"
  if ! $become python -c '' 2>/dev/null; then become= later=yes; fi
fi
$become "$@" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM INT
while :; do
  wait "$child"; status=$?
  kill -0 "$child" 2>/dev/null || break
done
if [ -n "$later" ]; then
  echo "$folders" | while read -r folder; do [ -z "$folder" ] || chown -R "$user:$group" "$folder"; done
fi
exit "$status"
"""

_CAUSES = (
    KnownCause(
        ("could not select device driver", "nvidia-container-cli: initialization", "unknown runtime"),
        "Docker cannot give containers the GPU: install the NVIDIA Container Toolkit and restart Docker "
        "(docs.nvidia.com/datacenter/cloud-native/container-toolkit), or train with TRAINER=local",
    ),
    KnownCause(
        ("unsatisfied condition: cuda",),
        "the NVIDIA driver is too old for the image: update it, or name an image for an older CUDA with AXOLOTL_IMAGE",
    ),
    KnownCause(("no space left",), "the disk is full: `docker system prune`, or move Docker's data to a larger disk"),
    KnownCause(
        ("shared from the host", "mounts denied"),
        "Docker Desktop is not allowed to share this folder: allow it in its settings",
    ),
)


def variables_of(env: Path, *, offline: bool) -> dict[str, str]:
    """The caller's environment as `launch` gives it, with the place of the Hub's cache always said."""
    found = environment(env, offline=offline)
    found.setdefault("HF_HOME", str(cache_of(found)))
    return found | {name: str(Path(found[name]).expanduser().absolute()) for name in CACHES if found.get(name)}


def options(
    info: Mapping[str, Any], what: list[str], recipe: Recipe, cwd: Path, variables: Mapping[str, str]
) -> dict[str, Any]:
    """Arguments of `containers.create`, but image and labels, on an engine with this `docker info`.

    Raises LaunchError where a folder cannot be mounted.
    """
    security = " ".join(str(one) for one in info.get("SecurityOptions") or [])
    rootless = "rootless" in security
    return {
        "command": ["sh", "-c", START, "start", *_caller(rootless), *_folders(recipe, cwd, variables), *what],
        "environment": _visible(variables),
        "mounts": mounts(recipe, cwd, variables),
        "working_dir": str(cwd.absolute()),
        "device_requests": _gpus(info),
        "shm_size": SHM,
        "userns_mode": "host" if "userns" in security else None,
        "log_config": LogConfig(type="json-file", config={"max-size": "20m", "max-file": "2"}),
        "use_config_proxy": True,
        "user": "0",
    }


def _caller(rootless: bool) -> list[str]:
    """User, group and groups to become; with a rootless engine root in the container is the caller already."""
    if rootless or os.getuid() == 0:
        return ["0", "0", "0"]
    groups = sorted({os.getgid(), *os.getgroups()})
    return [str(os.getuid()), str(os.getgid()), ",".join(map(str, groups))]


def _folders(recipe: Recipe, cwd: Path, variables: Mapping[str, str]) -> list[str]:
    places = [str(place) for place in written_folders(recipe, cwd, variables)]
    return [str(len(places)), *places]


def _visible(variables: Mapping[str, str]) -> dict[str, str]:
    """What `docker inspect` may show of the caller's environment: no token, no PATH of this machine."""
    kept = {name: variables[name] for name in (*_HANDED_ON, *_ALSO) if variables.get(name)}
    kept |= {name: value for name, value in variables.items() if name.startswith(_PREFIXES)}
    kept |= {"HOME": "/tmp/home", "USER": "trainer", "LOGNAME": "trainer"}
    return kept | ({"HF_TOKEN_PATH": TOKEN} if token_of(variables) else {})


def packed(token: str) -> bytes:
    """The token as a file that the caller alone can read; it lives and goes with the container."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        file = tarfile.TarInfo(TOKEN.lstrip("/"))
        file.size, file.mode, file.uid, file.gid = len(token), 0o400, os.getuid(), os.getgid()
        tar.addfile(file, io.BytesIO(token.encode()))
    return packed.getvalue()


def _gpus(info: Mapping[str, object]) -> list[DeviceRequest]:
    if not reaches_gpus(info):
        return []
    chosen = visible(os.environ)
    if chosen is not None:
        return [DeviceRequest(device_ids=chosen, capabilities=[["gpu"]])]
    return [DeviceRequest(count=-1, capabilities=[["gpu"]])]


def explain(error: Exception) -> str:
    """What the engine said, with what fixes it."""
    message = str(getattr(error, "explanation", None) or error).strip()
    if remedy := first_remedy(_CAUSES, message):
        return remedy
    if isinstance(error, APIError):
        return f"Docker could not run Axolotl's image ({message}); fix that, or train with TRAINER=local"
    return f"the Docker engine went away while Axolotl ran ({message}); start it again, and train again"
