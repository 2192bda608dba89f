"""vLLM as processes of this machine: what they are called, and what becomes of them where something goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from compose.errors import EngineDied
from compose.machine import Machine
from compose.plan import choose_plan
from compose.stack import Model, healthy
from compose.vllm import VllmStack
from tests.cli.command import BLINDSIDE
from tests.cli.test_eval import trial_models
from tests.compose.servers import MODEL, change, need_train
from tests.support import ROOT
from tests.vllm.world import VLLM_PYTHON, World, need_vllm

pytestmark = pytest.mark.train


def until(what: Callable[[], bool], reason: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, reason
        time.sleep(0.05)


def running(word: str) -> set[int]:
    """Processes of this machine whose command line has `word`, or whose group's leader has."""
    told = {int(path.parent.name): _read(path) for path in Path("/proc").glob("[0-9]*/cmdline")}
    groups = {pid for pid, line in told.items() if word.encode() in line}
    return {pid for pid in told if pid in groups or _group(pid) in groups}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def test_both_are_up_and_say_what_they_are(world: World) -> None:
    assert all(map(healthy, world.urls.values()))
    assert len(set(world.urls.values())) == 2
    assert world.engine.startswith("vllm"), world.engine
    assert [line for line in world.said if "healthy at" in line] == [
        f"{side}: healthy at {world.urls[side]}" for side in world.urls
    ]
    assert all("--max-model-len=1024" in _command_line(folder) for folder in world.folders.values())


def _command_line(folder: Path) -> str:
    lines = [_read(path).decode(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline")]
    return next(line for line in lines if f"\0{folder}\0" in line)


def test_killed_with_its_servers_under_way_an_evaluation_leaves_none(tmp_path: Path) -> None:
    need_train()
    need_vllm()
    models = trial_models(tmp_path)
    words = ["eval", "--recipe", "trial", "--run", "first", "--headless", "--engine", "vllm", "--models", str(models)]
    words += ["--train-env", str(ROOT / ".venv-train"), "--vllm-env", str(ROOT / ".venv-vllm")]
    logs = tmp_path / "reports" / "first" / "logs"
    with subprocess.Popen(
        [BLINDSIDE, *words, "--reports", str(tmp_path / "reports")], cwd=tmp_path, stdout=subprocess.DEVNULL
    ) as process:
        until(lambda: all((logs / f"{side}.log").is_file() for side in ("base", "tuned")), "no server was started")
        until(lambda: len(running(str(models / "trial"))) >= 4, "two servers, each watched over")
        process.send_signal(signal.SIGKILL)
    until(lambda: not running(str(models / "trial")), "servers outlive who started them")


def test_a_model_that_vllm_cannot_serve_is_told_with_the_cause(tmp_path: Path) -> None:
    need_vllm()
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        (folder / name).write_bytes((MODEL / name).read_bytes())
    change(folder / "config.json", model_type="unheard_of", architectures=["UnheardOfForCausalLM"])
    sides = [Model("tuned", str(folder))]
    plan = choose_plan("vllm", models=sides, machine=Machine(), vllm=True)
    with (
        pytest.raises(EngineDied, match="tuned: the server does not support this architecture") as died,
        VllmStack(sides, plan=plan, python=VLLM_PYTHON, logs=tmp_path / "logs", startup_seconds=600),
    ):
        pass
    assert died.value.code > 0
    assert "unheard_of" in (tmp_path / "logs" / "tuned.log").read_text(encoding="utf-8")
