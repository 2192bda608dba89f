"""Environments whose Python starts once for many runs: with Axolotl, with Gradio, with the transformers of TGI 3.3."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support import OLD_PYTHON, ROOT, TRAIN_PYTHON, require
from train.launch import environment

HERE = Path(__file__).parent
#: What `axolotl train`, the embedded engine and parity's reference import.
TRAINING = (
    "axolotl.cli.main", "accelerate.commands.launch", "axolotl.cli.train", "axolotl.cli.config",
    "axolotl.common.datasets", "axolotl.train", "axolotl.core.builders", "trackio", "scipy.stats", "uvicorn",
)  # fmt: skip
#: What reads models by the transformers of TGI 3.3.
OLD = ("numpy", "transformers.models.llama.modeling_llama", "transformers.models.auto.tokenization_auto")
#: What the pages import of other people's.
PAGES = ("gradio", "pandas", "scipy.stats", "uvicorn")

#: What some of our own processes are started with, and libraries read when they are imported.
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
#: In the environment: the folder of this run's warm interpreters, which all workers of pytest share.
PLACE = "BLINDSIDE_WARM"
#: A pipe that nothing is written to: the interpreters end when whoever holds its other end does.
ALIVE = "alive"

#: What must last as long as this process.
_held: list[object] = []


def train_python() -> Path:
    """A Python of the train environment without its start-up; its `parents[1]` is an environment."""
    require(TRAIN_PYTHON.exists(), "`make env-train` builds it")
    return _warm("train", TRAIN_PYTHON.parents[1], TRAINING, ("axolotl", "accelerate", "torchrun"))


def old_python() -> Path:
    """A Python with transformers 4.51 without its start-up."""
    require(OLD_PYTHON.exists(), "`make env-old` builds it")
    return _warm("old", OLD_PYTHON.parents[1], OLD, ())


def page_python() -> Path:
    """A Python of this environment that has Gradio imported; `blindside` lies beside it."""
    return _warm("page", Path(sys.executable).parents[1], PAGES, ("blindside",))


def prepare() -> None:
    """Make a place for warm interpreters, for this process and all that it starts; they end when it does."""
    # Not pytest's own folder: a socket's path may have a hundred characters.
    folder = TemporaryDirectory(prefix="warm-")
    os.environ[PLACE] = folder.name
    alive = Path(folder.name, ALIVE)
    os.mkfifo(alive)
    _held.extend((folder, os.open(alive, os.O_RDWR)))


def _warm(name: str, env: Path, modules: Sequence[str], scripts: Sequence[str]) -> Path:
    """The interpreter of this name, started by the first worker that asks."""
    if PLACE not in os.environ:
        prepare()
    folder = Path(os.environ[PLACE], name)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            started = folder.with_suffix(".new")
            _start(env, started, folder, modules, scripts)
            started.rename(folder)
    return folder / "bin" / "python"


def _start(env: Path, folder: Path, later: Path, modules: Sequence[str], scripts: Sequence[str]) -> None:
    """Make an environment in `folder`, which will be called `later`, that stands for `env`.

    `bin/python` and each of `scripts` run what those of `env` run, each in a process of its own that is forked from
    one interpreter that has imported `modules`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    (folder / "lib").symlink_to((env / "lib").absolute())
    for name in scripts:
        _stand_in(folder, later, name, str((env / "bin" / name).absolute()))
    _stand_in(folder, later, "python")
    python = (env / "bin" / "python").absolute()
    with (folder / "server.log").open("wb") as log, folder.with_name(ALIVE).open("rb") as alive:
        server = subprocess.Popen(
            [python, "-P", HERE / "server.py", folder / "socket", *modules],
            stdin=alive, stdout=subprocess.PIPE, stderr=log, cwd=ROOT,
            env=environment(env, offline=True) | QUIET,
        )  # fmt: skip
    _held.append(server)
    assert server.stdout is not None
    assert b"warm\n" in iter(server.stdout.readline, b""), (folder / "server.log").read_text()[-2000:]


def _stand_in(folder: Path, later: Path, name: str, *script: str) -> None:
    path = folder / "bin" / name
    # The stand-in for Python goes for sys.executable, whichever of them is run.
    address, python = str(later / "socket"), str(later / "bin" / "python")
    words = [sys.executable, "-I", "-S", str(HERE / "client.py"), address, python, *script]
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
