"""The machine: disk space, versions of the train environment, cached models, a lock."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import IO

from blindside.places import made_by
from train.errors import RecipeError, TrainError
from train.export.weights import weight_files
from train.recipe import Recipe

PACKAGES = ("axolotl", "transformers", "trl", "torch")
_GB = 1_000_000_000
#: Bytes on disk a parameter: the download, a checkpoint, the output, the export in bf16; a checkpoint's optimizer.
_FULL, _ADAPTER = 16, 8
#: Seconds that children of a killed training may still hold its lock.
_CHILDREN_END = 10.0


def versions(env: Path) -> dict[str, str]:
    """Of the packages that decide what a training does, read from the environment's files; nothing is imported."""
    sites = [str(site) for site in env.glob("lib/python3*/site-packages")]
    found = {d.metadata["Name"].lower(): d.version for name in PACKAGES for d in _find(name, sites)}
    missing = [name for name in PACKAGES if name not in found]
    if missing:
        raise TrainError(f"{env} has no {missing[0]}; {made_by(env)}")
    return {name: found[name] for name in PACKAGES} | {"blindside": metadata.version("blindside")}


def _find(name: str, sites: list[str]) -> Iterator[metadata.Distribution]:
    yield from metadata.distributions(name=name, path=sites)


def parameters(model: str) -> float | None:
    """How many parameters a model's name says it has: 3e9 for Qwen/Qwen2.5-3B-Instruct; None where it says nothing."""
    found = re.search(r"(?<![\w.])(\d+(?:\.\d+)?)\s*([BM])(?![a-zA-Z])", model.rpartition("/")[2], re.IGNORECASE)
    if found is None:
        return None
    return float(found[1]) * (1e9 if found[2].upper() == "B" else 1e6)


def room_needed(recipe: Recipe) -> int:
    """Bytes that a run of the recipe may write, generously."""
    base = Path(recipe.base_model)
    if base.is_dir():
        return 6 * sum(path.stat().st_size for path in weight_files(base)) + _GB // 10
    return int((parameters(recipe.base_model) or 1e9) * (_ADAPTER if recipe.has_adapter else _FULL)) + _GB


def check_room(recipe: Recipe, models: Path) -> None:
    """Raise TrainError where the models' disk, or the output's, has too little room."""
    need = room_needed(recipe)
    for place in (models, recipe.output_dir.absolute()):
        folder = next(parent for parent in (place, *place.parents) if parent.exists())
        free = shutil.disk_usage(folder).free
        if free < need:
            raise TrainError(
                f"this run needs about {need / _GB:.1f} GB on the disk of {folder}, which has {free / _GB:.1f} GB "
                "free; free some, or point models or output_dir to a larger volume"
            )


def _lock(file: IO[str]) -> None:
    """Raises BlockingIOError where somebody holds it for longer than the children of a killed process need to end."""
    until = time.monotonic() + _CHILDREN_END
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            if time.monotonic() > until or not holder.isdigit() or Path(f"/proc/{holder}").exists():
                raise
            time.sleep(0.1)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; it goes with the process, however that ends. Raises TrainError when another holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            _lock(file)
        except BlockingIOError:
            file.seek(0)
            raise TrainError(
                f"another training is at work in {path.parent} (process {file.read().strip() or '?'}); "
                "wait for it to end"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def cached_model(source: str, revision: str | None, variables: dict[str, str]) -> tuple[Path, str]:
    """The snapshot folder of a Hub model in the cache, where the training has put it, and its commit."""
    from huggingface_hub import try_to_load_from_cache

    home = variables.get("HF_HOME") or str(Path.home() / ".cache" / "huggingface")
    cache = variables.get("HF_HUB_CACHE") or str(Path(home) / "hub")
    found = try_to_load_from_cache(source, "config.json", cache_dir=cache, revision=revision)
    if not isinstance(found, str):
        raise RecipeError(
            f"the base model {source} is neither a folder nor in the Hub's cache ({cache}); check the name and HF_HOME"
        )
    folder = Path(found).parent
    return folder, folder.name
