"""The folders that a training in a container sees, each under its own path."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from docker.types import Mount

from train.errors import LaunchError
from train.recipe import Recipe

#: Folders inside Axolotl's image that hold its programs, uv's tools in LOCAL (docker/Dockerfile-uv and -uv-base).
LOCAL = "/root/.local"
OWN = ("/usr", "/etc", LOCAL, "/workspace/axolotl", "/workspace/axolotl-venv")
CACHES = ("HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE")


def written_folders(recipe: Recipe, cwd: Path, variables: Mapping[str, str]) -> list[Path]:
    """Folders that the training writes to, made where they are missing. Raises LaunchError where one cannot be."""
    places = [recipe.path.absolute().parent, cwd / recipe.output_dir]
    if recipe.config.get("dataset_prepared_path"):
        places.append(cwd / str(recipe.config["dataset_prepared_path"]))
    places += [Path(variables[name]).expanduser() for name in CACHES if variables.get(name)]
    found = [Path(os.path.normpath(place)) for place in places]
    for place in found:
        _make(place)
    return _outermost(found)


def _make(place: Path) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LaunchError(
            f"{place} cannot be made ({error.strerror}): make it as an administrator and give it to this user, "
            "or let the recipe (output_dir, dataset_prepared_path) or HF_HOME name another folder"
        ) from None
    if not os.access(place, os.W_OK | os.X_OK):
        raise LaunchError(f"{place} belongs to somebody else: give it to this user (`sudo chown -R $USER {place}`)")


def _outermost(places: Iterable[Path]) -> list[Path]:
    kept: list[Path] = []
    for place in sorted(set(places), key=lambda path: len(path.parts)):
        if not any(place.is_relative_to(other) for other in kept):
            kept.append(place)
    return kept


def read_folders(recipe: Recipe, cwd: Path) -> list[Path]:
    """The project, and every file or folder that the recipe names outside of it."""
    named = [Path(os.path.normpath(cwd / text)) for text in _texts(recipe.config) if _leads_out(text)]
    return _outermost([cwd, *(place for place in named if place.exists())])


def _leads_out(text: str) -> bool:
    return len(text) < 4096 and "\n" not in text and (text.startswith("/") or ".." in Path(text).parts)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def mounts(recipe: Recipe, cwd: Path, variables: Mapping[str, str]) -> list[Mount]:
    """Read-only what is read, writable what is written, and AXOLOTL_VOLUMES (`here:there[:ro],…`).

    Raises LaunchError where a folder cannot be written, or would hide the image's own.
    """
    writable = written_folders(recipe, cwd, variables)
    fixed = [place for place in read_folders(recipe, cwd) if not any(place.is_relative_to(other) for other in writable)]
    asked = {str(mount["Target"]) for mount in extra_mounts()}
    kept = []
    for place in sorted({*fixed, *writable}):
        _check(place)
        if str(place) not in asked:
            kept.append(Mount(str(place), str(place), type="bind", read_only=place in fixed))
    return kept + extra_mounts()


def extra_mounts() -> list[Mount]:
    """What AXOLOTL_VOLUMES asks for. Raises LaunchError where it cannot be read."""
    return list(_requested_mounts(os.environ.get("AXOLOTL_VOLUMES", "")))


def _check(place: Path) -> None:
    hidden = next((own for own in OWN if Path(own).is_relative_to(place)), None)
    if hidden is not None:
        raise LaunchError(
            f"the folder {place} would hide {hidden} of Axolotl's image: move it (a folder of its own below /workspace "
            "is fine), or train with TRAINER=local"
        )


def _requested_mounts(text: str) -> Iterator[Mount]:
    for entry in filter(None, text.split(",")):
        source, _, rest = entry.partition(":")
        target, _, mode = rest.partition(":")
        if not source.startswith("/") or not target.startswith("/") or mode not in ("", "ro", "rw"):
            raise LaunchError(f"AXOLOTL_VOLUMES has {entry!r}; give /a/folder:/its/place or /a/folder:/its/place:ro")
        yield Mount(target, source, type="bind", read_only=mode == "ro")
