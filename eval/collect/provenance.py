"""The code version and packages of a run, for run.json."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("blindside", "text-generation", "aiohttp", "pydantic", "gradio", "huggingface_hub", "pandas", "numpy")


def code() -> dict[str, Any]:
    """The commit that lies here and whether files differ from it; both None where git can't say."""
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    return {"commit": commit or None, "dirty": None if commit is None or changes is None else bool(changes)}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that touch an answer or a verdict; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git(*arguments: str) -> str | None:
    """What git says in our folder; None without git, or where the folder is not in a repository of ours."""
    if not (ROOT / ".git").exists():
        return None
    command = ["git", "-C", str(ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
