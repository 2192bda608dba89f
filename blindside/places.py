"""Where the code is, and where a command reads and writes: in a checkout both, else only the first."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

#: The folder that holds our packages; other packages too where blindside is installed.
CODE = Path(__file__).resolve().parents[1]
PACKAGES = ("blindside", "train", "compose", "eval")


def is_checkout() -> bool:
    return (CODE / "pyproject.toml").is_file()


def workspace() -> Path:
    """What relative paths of recipes start from, and where models/, reports/ and .venv-train are expected.

    The checkout, or the current folder where blindside is installed.
    """
    return CODE if is_checkout() else Path.cwd()


def python_path() -> str:
    """PYTHONPATH for a program of another environment that runs our code.

    Beside an installed blindside are the packages of its environment, in versions that the other one must not see: it
    gets a folder of links to ours, in the user's cache.
    """
    return str(CODE if is_checkout() else _linked(_cache() / hashlib.sha256(str(CODE).encode()).hexdigest()[:16]))


def made_by(env: Path) -> str:
    """How the train environment is made: by make in a checkout, elsewhere by uv."""
    if is_checkout():
        return "run `make train`, which builds the train environment"
    return f"create it with `uv venv {env}` and `uv pip install --python {env} axolotl==0.19.0 'transformers[serving]'`"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blindside" / "code"


def _linked(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in PACKAGES:
        link = folder / name
        if link.is_symlink() and link.readlink() == CODE / name:
            continue
        beside = folder / f".{name}.{os.getpid()}"
        beside.symlink_to(CODE / name)
        beside.replace(link)
    return folder
