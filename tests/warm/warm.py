"""Environments whose Python starts once for many runs: with Axolotl, with Gradio, with the transformers of TGI 3.3."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
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

_running = ExitStack()


@cache
def train_python() -> Path:
    """A Python of the train environment without its start-up, until `end`; its `parents[1]` is an environment."""
    require(TRAIN_PYTHON.exists(), "`make env-train` builds it")
    return _started(TRAIN_PYTHON.parents[1], TRAINING, ("axolotl", "accelerate", "torchrun"))


@cache
def old_python() -> Path:
    """A Python with transformers 4.51 without its start-up, until `end`."""
    require(OLD_PYTHON.exists(), "`make env-old` builds it")
    return _started(OLD_PYTHON.parents[1], OLD, ())


@cache
def page_python() -> Path:
    """A Python of this environment that has Gradio imported, until `end`; `blindside` lies beside it."""
    return _started(Path(sys.executable).parents[1], PAGES, ("blindside",))


def end() -> None:
    """End the warm interpreters of this process."""
    _running.close()
    train_python.cache_clear()
    old_python.cache_clear()
    page_python.cache_clear()


def _started(env: Path, modules: Sequence[str], scripts: Sequence[str]) -> Path:
    # Not pytest's own folder: a socket's path may have a hundred characters.
    folder = Path(_running.enter_context(TemporaryDirectory(prefix="warm-")))
    return _running.enter_context(warmed(env, folder / "env", modules, scripts))


@contextmanager
def warmed(env: Path, folder: Path, modules: Sequence[str], scripts: Sequence[str]) -> Iterator[Path]:
    """An environment in `folder` that stands for `env`, while the context lasts; its interpreter.

    `bin/python` and each of `scripts` run what those of `env` run, each in a process of its own that is forked from
    one interpreter that has imported `modules`.
    """
    (folder / "bin").mkdir(parents=True)
    (folder / "lib").symlink_to((env / "lib").absolute())
    address = str(folder / "socket")
    for name in scripts:
        _stand_in(folder, name, address, str((env / "bin" / name).absolute()))
    _stand_in(folder, "python", address)
    command = [str((env / "bin" / "python").absolute()), "-P", str(HERE / "server.py"), address, *modules]
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT,
            env=environment(env, offline=True) | {"GRADIO_ANALYTICS_ENABLED": "False"},
        ) as server,
    ):  # fmt: skip
        assert server.stdout is not None
        assert b"warm\n" in iter(server.stdout.readline, b""), (folder / "server.log").read_text()[-2000:]
        yield folder / "bin" / "python"


def _stand_in(folder: Path, name: str, address: str, *script: str) -> None:
    path = folder / "bin" / name
    # The stand-in for Python goes for sys.executable, whichever of them is run.
    words = [sys.executable, "-I", "-S", str(HERE / "client.py"), address, str(folder / "bin" / "python"), *script]
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
