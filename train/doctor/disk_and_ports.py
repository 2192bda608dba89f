"""Checks of disk space, the Hub's cache, and ports."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from train.data import is_local
from train.launch import ROOT
from train.recipe import Recipe
from train.resources.findings import Finding
from train.resources.hub import cache_of
from train.resources.machine import room_needed
from train.resources.memory import wants_gpu

GB = 1_000_000_000
#: What the guide gives a GPU training: the base, checkpoints with optimizer states, the output, the export.
VOLUME = 200 * GB


def hub_repos(recipe: Recipe) -> dict[str, str]:
    """What the recipe takes from the Hub: name to its kind, "models" or "datasets"."""
    found = {asked.path: "datasets" for asked in recipe.datasets if not is_local(asked)}
    return found if (ROOT / recipe.base_model).is_dir() else {recipe.base_model: "models"} | found


def check_disk(recipe: Recipe | None, models: Path, workspace: Path) -> Finding:
    """Room where models go, against what the run writes; a GPU training is better given 200 GB."""
    places = [models] if recipe is None else [models, ROOT / recipe.output_dir]
    free, place = min((shutil.disk_usage(folder).free, folder) for folder in map(_existing, places))
    found = f"{free / GB:.0f} GB are free on the disk of {place}"
    need = GB if recipe is None else room_needed(recipe)
    if free < need:
        remedy = (
            f"about {need / GB:.1f} GB are needed: free some space, or point models or output_dir to a larger volume"
        )
        return Finding("disk", "fail", found, remedy)
    total = shutil.disk_usage(_existing(workspace if workspace.is_dir() else models)).total
    if recipe is not None and wants_gpu(recipe.config) and hub_repos(recipe) and total < VOLUME:
        remedy = "give a rented machine a volume of 200 GB: base, checkpoints, output and export are all stored there"
        return Finding("disk", "warn", f"{found}, less than the recommended 200 GB", remedy)
    return Finding("disk", "ok", found)


def check_cache(recipe: Recipe | None, variables: Mapping[str, str], workspace: Path) -> Finding:
    """Downloads belong on a rented machine's volume: its root disk is small, and lost when the machine stops."""
    cache = cache_of(variables)
    if workspace.is_dir() and not variables.get("HF_HOME"):
        return Finding("HF_HOME", "ok", f"not set; training uses {workspace / 'huggingface'}")
    place = _existing(cache)
    if not os.access(place, os.W_OK):
        return Finding("HF_HOME", "fail", f"{place} cannot be written to", "set HF_HOME to a folder of this user")
    if workspace.is_dir() and not cache.resolve().is_relative_to(workspace.resolve()):
        remedy = (
            f"`export HF_HOME={workspace}/huggingface`, or downloads fill the root disk and are lost with the machine"
        )
        return Finding("HF_HOME", "warn", f"{cache} is not on the volume {workspace}", remedy)
    free = shutil.disk_usage(place).free
    found = f"{cache}, {free / GB:.0f} GB free"
    if recipe is not None and hub_repos(recipe) and free < room_needed(recipe) / 2:
        return Finding("HF_HOME", "fail", found, "set HF_HOME to a folder on a larger disk")
    return Finding("HF_HOME", "ok", found)


def _existing(place: Path) -> Path:
    absolute = place.absolute()
    return next(parent for parent in (absolute, *absolute.parents) if parent.exists())


def check_port(port: int) -> Finding:
    """Whether a page or server could listen on 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            problem = error.strerror or str(error)
            return Finding(
                f"port {port}", "warn", problem, "stop the program that uses it, or choose another port with PORT="
            )
    return Finding(f"port {port}", "ok", "free")
