"""Two servers are started, watched, and taken down whatever happens to them or to whoever started them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from compose.embedded.preflight import bind
from compose.embedded_stack import EmbeddedStack
from compose.errors import ComposeError, EngineDied, EngineNotHealthy, EnvironmentMissing, PortTaken
from compose.stack import Model, healthy
from tests.compose.servers import MODEL, need_train
from tests.support import ROOT, TRAIN_PYTHON

BOTH = [Model("base", str(MODEL)), Model("tuned", str(MODEL))]


def children() -> set[int]:
    """The process ids of this process's children, of whichever thread."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(word) for each in lists for word in each.read_text(encoding="utf-8").split()}


def started(pid: int) -> int:
    """When a process began, in clock ticks since the machine did: numbers begin again at some time."""
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet reaped does not."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def until(what: Callable[[], bool], reason: str) -> None:
    deadline = time.monotonic() + 90
    while not what():
        assert time.monotonic() < deadline, reason
        time.sleep(0.02)


def test_without_the_large_environment_the_remedy_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(EnvironmentMissing, match="run `make train` first"),
        EmbeddedStack(BOTH, python=tmp_path / "no" / "python", logs=tmp_path),
    ):
        pass


def test_sides_must_differ(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match="same side"):
        EmbeddedStack([BOTH[0], BOTH[0]], python=TRAIN_PYTHON, logs=tmp_path)


@pytest.mark.train
def test_two_servers_answer_and_a_death_is_noticed(tmp_path: Path, warm: Path) -> None:
    before = children()
    said: list[str] = []
    stack = EmbeddedStack(BOTH, python=warm, logs=tmp_path / "logs", say=said.append)
    with pytest.raises(EngineDied) as died, stack:
        _use_until_one_is_killed(stack, said, before)
    side = died.value.side
    assert str(died.value) == f"{side}: the server was ended by signal 9; its log is {tmp_path}/logs/{side}.log"
    assert 1 <= len(died.value.excerpt) <= 5
    assert "by embedded" in died.value.tail
    assert (tmp_path / "logs" / f"{side}.log").is_file()
    assert children() <= before
    assert not any(healthy(url) for url in stack.urls.values())


def _use_until_one_is_killed(stack: EmbeddedStack, said: list[str], before: set[int]) -> None:
    assert stack.engine.startswith("embedded ")
    for side in ("base", "tuned"):
        assert stack.urls[side].startswith("http://127.0.0.1:")
        assert f"{side}: healthy at {stack.urls[side]}" in said
        with urlopen(f"{stack.urls[side]}/info", timeout=10) as response:
            assert json.load(response)["model_id"] == str(MODEL)
    stack.check()
    os.kill(max(children() - before, key=started), signal.SIGKILL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        stack.check()
        time.sleep(0.01)


def _copy(folder: Path, **files: str | None) -> str:
    """A copy of the model in which these files have other content, or (None) are missing."""
    folder.mkdir()
    for path in MODEL.iterdir():
        if path.name not in files:
            (folder / path.name).symlink_to(path)
    for name, content in files.items():
        if content is not None:
            (folder / name).write_text(content, encoding="utf-8")
    return str(folder)


@pytest.mark.train
def test_what_a_server_says_before_it_ends_is_the_error(tmp_path: Path, warm: Path) -> None:
    before = children()
    broken = _copy(tmp_path / "model", **{"config.json": None})
    models = [Model("base", str(MODEL)), Model("tuned", broken)]
    with pytest.raises(EngineDied) as died, EmbeddedStack(models, python=warm, logs=tmp_path):
        pass
    assert str(died.value) == f"tuned: {broken} has no config.json; give a folder with a complete model"
    assert children() <= before


@pytest.mark.train
def test_what_cannot_be_served_is_one_sentence(tmp_path: Path, warm: Path) -> None:
    mamba = {"model_type": "mamba", "vocab_size": 1024, "hidden_size": 8, "num_hidden_layers": 1}
    wrong = {
        _copy(
            tmp_path / "architecture", **{"config.json": '{"model_type": "nonsense"}'}
        ): "cannot be served: .*nonsense",
        _copy(tmp_path / "template", **{"chat_template.json": '{"chat_template": "{% if %}"}'}): "cannot be served: ",
        _copy(tmp_path / "weights", **{"model.safetensors": "no weights"}): "cannot be served: ",
        _copy(tmp_path / "state", **{"config.json": json.dumps(mamba)}): "cannot be served: models of the kind mamba",
        str(tmp_path / "nothing"): "is not a folder; give a model folder or a Hub id",
    }
    script = "import sys; from compose.embedded.__main__ import main; [main(['--model-id', m]) for m in sys.argv[1:]]"
    ran = subprocess.run(
        [str(warm), "-c", script, *wrong], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    said = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert len(said) == len(wrong), ran.stderr
    for (source, sentence), line in zip(wrong.items(), said, strict=True):
        assert re.match(f"error: {source} {sentence}", line), line
    assert "Traceback" not in ran.stderr


@pytest.mark.train
def test_a_server_that_is_late_is_ended(tmp_path: Path) -> None:
    need_train()
    before = children()
    with (
        pytest.raises(EngineNotHealthy, match=r"base: not healthy after 0 s; .*; its log is .*base\.log"),
        EmbeddedStack(BOTH[:1], python=TRAIN_PYTHON, logs=tmp_path, startup_seconds=0.3),
    ):
        pass
    assert children() <= before


PARENT = """
    import sys, threading
    from pathlib import Path
    from compose.stack import Model
    from compose.embedded_stack import EmbeddedStack

    def run():
        say = lambda line: print(line, flush=True)
        with EmbeddedStack([Model("base", sys.argv[1])], python=Path(sys.argv[2]), logs=Path(sys.argv[3]), say=say):
            threading.Event().wait()

    if sys.argv[4] == "thread":
        worker = threading.Thread(target=run)
        worker.start()
        worker.join()
    else:
        run()
"""


@pytest.mark.train
@pytest.mark.parametrize(
    ("number", "where", "when"),
    [
        (signal.SIGINT, "main", "loading"),
        (signal.SIGTERM, "main", "loading"),
        (signal.SIGKILL, "main", "healthy"),
        (signal.SIGKILL, "thread", "loading"),
    ],
    ids=["Ctrl-C", "SIGTERM", "SIGKILL", "SIGKILL, started in a thread"],
)
def test_a_server_does_not_outlive_its_parent(tmp_path: Path, number: signal.Signals, where: str, when: str) -> None:
    need_train()
    arguments = [sys.executable, "-c", textwrap.dedent(PARENT), str(MODEL), str(TRAIN_PYTHON), str(tmp_path), where]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    with parent:
        assert parent.stdout is not None
        next(line for line in parent.stdout if when in line)
        servers = [int(pid) for pid in _children_of(parent.pid)]
        assert len(servers) == 1
        parent.send_signal(number)
        parent.wait(timeout=30)
        until(lambda: not alive(servers[0]), "the server ends after its parent")


def _children_of(pid: int) -> list[str]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [word for each in lists for word in each.read_text(encoding="utf-8").split()]


@pytest.mark.train
def test_a_grandchild_is_taken_down_as_well(tmp_path: Path) -> None:
    """Workers that a library starts belong to the server's group, and must go with it even when it dies by itself."""
    need_train()
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\nsleep 300 &\necho $! > {tmp_path}/worker\nexec {TRAIN_PYTHON} "$@"\n', encoding="utf-8"
    )
    python.chmod(0o755)
    models = [Model("base", _copy(tmp_path / "model", **{"config.json": None}))]
    with pytest.raises(EngineDied), EmbeddedStack(models, python=python, logs=tmp_path):
        pass
    worker = int((tmp_path / "worker").read_text(encoding="utf-8"))
    until(lambda: not alive(worker), "the worker ends with its server")


def test_a_taken_port_is_one_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"cannot listen on 127\.0\.0\.1:{port} .*; choose another --port"):
            bind("127.0.0.1", port)
