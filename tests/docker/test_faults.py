"""What goes wrong with containers, made to go wrong: told at once, with cause and remedy, and nothing left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from blindside.machine import DEFAULT
from compose.command import HERE
from compose.containers import DockerStack
from compose.errors import (
    ComposeError,
    ContainerDied,
    DockerMissing,
    EngineNotHealthy,
    ModelUnreadable,
    PortTaken,
)
from compose.leftovers import down
from compose.stack import Model, healthy
from tests.compose.servers import MODEL
from tests.docker.proxy import proxy
from tests.docker.stand_in import container, left, stack
from tests.support import require

PATIENCE = 30.0


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def _trouble(served: DockerStack) -> ComposeError:
    """What check() raises, once it does."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            served.check()
        except ComposeError as error:
            return error
        assert time.monotonic() < deadline, "no trouble came"
        time.sleep(0.1)


def test_a_folder_without_a_config_is_told_before_anything_starts(engine: docker.DockerClient, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    (folder / "config.json").unlink()
    served = stack(tmp_path, models=[Model("tuned", str(folder))])
    with pytest.raises(ModelUnreadable, match=r"tuned: .* has no config\.json; give"), served:
        pass
    assert left(engine, served.project) == []
    assert not (tmp_path / "logs").exists()


def test_a_port_that_is_taken(engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("BASE_PORT", str(other.getsockname()[1]))
        served = stack(tmp_path, models=[Model("base", str(MODEL))])
        with pytest.raises(PortTaken, match="set BASE_PORT and TUNED_PORT to free ones"), served:
            pass
    assert left(engine, served.project) == []


def test_a_port_of_the_users_choice(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("BASE_PORT", str(port))
    with stack(tmp_path, models=[Model("base", str(MODEL))]) as served:
        assert served.urls == {"base": f"http://127.0.0.1:{port}"}


def test_a_server_that_never_gets_healthy(engine: docker.DockerClient, tmp_path: Path) -> None:
    said: list[str] = []
    served = stack(tmp_path, seconds=3, said=said, TUNED_STAND_IN="silent")
    with pytest.raises(EngineNotHealthy, match="tuned: not healthy after 3 s; allow more time") as late, served:
        pass
    assert late.value.excerpt == ("INFO text_generation_launcher: Download: [1/2] -- ETA: 0:00:12",)
    assert "tuned: weights: file 1 of 2 downloaded, 0:00:12 left" in said
    assert left(engine, served.project) == []


def test_a_shard_that_cannot_start(engine: docker.DockerClient, tmp_path: Path) -> None:
    served = stack(tmp_path, TUNED_STAND_IN="broken")
    with (
        pytest.raises(ContainerDied, match="newer transformers than the server reads; serve the exported") as died,
        served,
    ):
        pass
    assert (died.value.side, died.value.code) == ("tuned", 1)
    assert died.value.tail.endswith("Shard 0 failed to start")
    assert left(engine, served.project) == []


def test_out_of_memory(engine: docker.DockerClient, tmp_path: Path) -> None:
    served = stack(tmp_path, models=[Model("base", str(MODEL))], BASE_STAND_IN="greedy", STAND_IN_MEMORY="64m")
    with pytest.raises(ContainerDied, match="base: it ran out of memory and was killed; give Docker more"), served:
        pass
    assert left(engine, served.project) == []


def test_docker_without_a_gpu_runtime(engine: docker.DockerClient, tmp_path: Path) -> None:
    if "nvidia" in engine.info()["Runtimes"]:
        pytest.skip("this engine has a GPU runtime")
    served = stack(tmp_path)
    served.compose.files = (*served.compose.files, HERE / "docker-compose.gpu.yml")
    with pytest.raises(ComposeError, match="install the NVIDIA Container Toolkit"), served:
        pass
    assert left(engine, served.project) == []


def test_a_killed_container_is_told_and_may_be_started_again(engine: docker.DockerClient, tmp_path: Path) -> None:
    said: list[str] = []
    with stack(tmp_path, said=said) as served:
        before = dict(served.urls)
        tuned = container(engine, served.project, "tuned")
        tuned.kill()
        died = _trouble(served)
        assert isinstance(died, ContainerDied)
        assert (died.side, died.code, died.tail) == ("tuned", 137, "serving /models/tuned")
        assert "it was killed from outside" in str(died)
        _until(lambda: "tuned: the container has ended (exit code 137)" in said, "nobody was told")
        tuned.start()
        _until(lambda: healthy(before["tuned"]), "the address has changed")
        _until(lambda: "tuned: the container was started again" in said, "nobody was told")
        served.check()
    assert (tmp_path / "logs/tuned.log").read_text() == "serving /models/tuned\n" * 2
    assert left(engine, served.project) == []


def test_a_container_removed_by_somebody_else(engine: docker.DockerClient, tmp_path: Path) -> None:
    with stack(tmp_path) as served:
        container(engine, served.project, "base").remove(force=True)
        died = _trouble(served)
        assert isinstance(died, ContainerDied)
        assert died.side == "base"
    assert left(engine, served.project) == []


def test_an_unhealthy_container(engine: docker.DockerClient, tmp_path: Path) -> None:
    with stack(tmp_path, HEALTH_INTERVAL="1s", START_PERIOD="1s") as served:
        container(engine, served.project, "base").kill(signal="SIGUSR1")
        sick = _trouble(served)
        assert isinstance(sick, EngineNotHealthy)
        assert re.match(r"base: the server runs, but no longer answers.*; its log is .*base\.log$", str(sick))
        assert sick.excerpt == ("serving /models/base",)
    assert left(engine, served.project) == []


def test_ctrl_c_while_starting(engine: docker.DockerClient, tmp_path: Path) -> None:
    served = stack(tmp_path, TUNED_STAND_IN="silent")
    served.say = lambda line: os.kill(os.getpid(), signal.SIGINT) if line.startswith("base: healthy") else None
    with pytest.raises(KeyboardInterrupt), served:
        pass
    assert left(engine, served.project) == []


def test_an_engine_that_stops_answering(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    path = os.environ.get("DOCKER_HOST", DEFAULT).removeprefix("unix://")
    require(Path(path).is_socket(), "needs an engine at a local socket")
    with monkeypatch.context() as patched, proxy(tmp_path / "docker.sock", path) as between:
        patched.setenv("DOCKER_HOST", f"unix://{between.path}")
        with stack(tmp_path, run="abandoned", said=said) as served:
            served.check()
            between.stop()
            lost = _trouble(served)
            assert isinstance(lost, DockerMissing)
            assert "stopped answering: start it" in str(lost)
    assert any("`blindside down` does it later" in line for line in said)
    assert len(left(engine, served.project)) == 3
    assert down("abandoned", say=said.append) == 2
    assert left(engine, served.project) == []
