"""The train environment with a Python and an Axolotl whose start-up is paid once for many runs."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import ROOT
from train.launch import environment

HERE = Path(__file__).parent
#: What `axolotl train`, the embedded engine and parity's reference import.
MODULES = (
    "axolotl.cli.main", "accelerate.commands.launch", "axolotl.cli.train", "axolotl.cli.config",
    "axolotl.common.datasets", "axolotl.train", "axolotl.core.builders", "trackio", "scipy.stats", "uvicorn",
)  # fmt: skip


@contextmanager
def warmed(env: Path, folder: Path) -> Iterator[Path]:
    """An environment in `folder` that stands for `env`, while the context lasts; its interpreter.

    `bin/python`, `bin/axolotl` and `bin/accelerate` run what those of `env` run, each in a process of its own that is
    forked from one warm interpreter.
    """
    (folder / "bin").mkdir(parents=True)
    (folder / "lib").symlink_to((env / "lib").absolute())
    address = str(folder / "socket")
    for name in ("axolotl", "accelerate"):
        _stand_in(folder, name, address, str((env / "bin" / name).absolute()))
    _stand_in(folder, "python", address)
    command = [str((env / "bin" / "python").absolute()), "-P", str(HERE / "server.py"), address, *MODULES]
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT,
            env=environment(env, offline=True),
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
