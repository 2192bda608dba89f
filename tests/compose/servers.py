"""Embedded servers for tests: real processes on loopback, started as TGI was for the recordings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from compose.stack import healthy, log_tail
from tests.compose.replay import DATA
from tests.support import ROOT, TRAIN_PYTHON, require
from tests.warm.warm import train_python

MODEL = DATA / "model"


def need_train() -> None:
    require(TRAIN_PYTHON.is_file(), "needs .venv-train (make train builds it)")


def change(path: Path, **changes: Any) -> None:
    """Set keys of a JSON file; None takes a key away."""
    values = json.loads(path.read_text(encoding="utf-8")) | changes
    kept = {key: value for key, value in values.items() if key not in changes or value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")


@contextmanager
def serve(*command_lines: Sequence[str], cwd: Path) -> Iterator[list[str]]:
    """The addresses of servers with these command lines, started in `cwd` and ended afterwards."""
    log = cwd / "servers.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [train_python(), "-P", "-m", "tests.compose.many_servers"],
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=out,
        )
    with process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(command_lines).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, log_tail(log)
            yield [_when_healthy(f"http://127.0.0.1:{port}") for port in json.loads(line)]
        finally:
            process.kill()


def _when_healthy(url: str) -> str:
    deadline = time.monotonic() + 30
    while not healthy(url):
        assert time.monotonic() < deadline, url
        time.sleep(0.02)
    return url


def folder_as_recorded(name: str, parent: Path) -> None:
    """The model folder that a launch profile names, made from the recorded ones."""
    folder = parent / name
    if folder.exists():
        return
    if not name.startswith("tiny-hf5"):
        shutil.copytree(MODEL, folder)
        if name == "tiny-eosint":
            change(folder / "generation_config.json", eos_token_id=1021)
        return
    shutil.copytree(DATA / "model-hf5", folder)
    shutil.copy(MODEL / "model.safetensors", folder)
    # TGI finds no rope_theta in this folder and takes 10000. We would read the right one; to compare all else, the
    # base that TGI took is written here.
    change(folder / "config.json", rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
    if name == "tiny-hf5-c":
        template = (folder / "chat_template.jinja").read_text(encoding="utf-8")
        (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}), encoding="utf-8")


def flags_as_recorded(flags: list[str]) -> list[str]:
    """Those of the recorded launcher's flags that the embedded engine has and that change its answers."""
    ours = ("--enable-prefill-logprobs", "--max-concurrent-requests", "--max-batch-prefill-tokens")
    return [word for flag in flags if flag.startswith(ours) for word in flag.split()]
