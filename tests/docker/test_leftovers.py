"""Containers do not outlive the program that started them; what does is found by its label."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker

from blindside.containers.owned import OWNER, RUN, owner, owner_lives
from compose.leftovers import down
from tests.docker.stand_in import IMAGE, container, left, stack, variables
from tests.support import ROOT

GONE = "elsewhere-not:1:1"


@contextmanager
def _held(tmp_path: Path, run: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-P", "-m", "tests.docker.held", str(tmp_path), run]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def _until_gone(client: docker.DockerClient, project: str) -> None:
    deadline = time.monotonic() + 120
    while found := left(client, project):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def test_kill_9_of_the_program_leaves_nothing(engine: docker.DockerClient, tmp_path: Path) -> None:
    with _held(tmp_path, "killed") as (process, served):
        assert len(left(engine, served["project"])) == 4  # two containers, a network, and who watches over them
        process.send_signal(signal.SIGKILL)
        process.wait()
        _until_gone(engine, served["project"])


def test_down_spares_what_is_in_use_and_removes_what_is_named(engine: docker.DockerClient, tmp_path: Path) -> None:
    said: list[str] = []
    with stack(tmp_path, run="in use") as mine:
        assert down(say=said.append) == 0
        assert "in use: in use, left alone" in said
        mine.check()
        assert down("another", say=said.append) == 0
        assert down("in use", say=said.append) == 2
        assert sorted(said[-2:]) == ["in use: removed base", "in use: removed tuned"]
    assert left(engine, mine.project) == []


def test_down_removes_what_a_dead_program_left(engine: docker.DockerClient, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    label = owner().replace(f":{os.getpid()}:", f":{ended.pid}:")
    assert not owner_lives(label)
    labels = {RUN: "lost", OWNER: label}
    network = engine.networks.create("blindside-lost", labels=labels)
    mounts = [f"{path}:{path}:ro" for path in ("/usr", variables()["STAND_IN_PREFIX"])]
    lost = engine.containers.run(IMAGE, ["/bin/sleep", "600"], volumes=mounts, labels=labels, detach=True)
    said: list[str] = []
    assert down(say=said.append) == 1
    assert said == [f"lost: removed {lost.name}"]
    assert engine.containers.list(all=True, filters={"label": f"{RUN}=lost"}) == []
    assert network.id not in [one.id for one in engine.networks.list()]


def test_an_owner_is_a_process_and_its_beginning() -> None:
    mine = owner()
    assert owner_lives(mine)
    assert not owner_lives(mine.rpartition(":")[0] + ":1")  # the number was used again
    assert not owner_lives("")
    assert owner_lives("another-machine:1:1")  # not ours to judge


def test_the_watcher_goes_on_when_compose_is_still_creating(engine: docker.DockerClient, tmp_path: Path) -> None:
    """The program is killed while `docker compose up` runs: what that creates afterwards is removed as well."""
    with _held(tmp_path, "late") as (process, served):
        base = container(engine, served["project"], "base")
        labels, mounts = base.labels, [f"{path}:{path}:ro" for path in ("/usr",)]
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(1)
        engine.containers.run(IMAGE, ["/bin/sleep", "600"], volumes=mounts, labels=labels, detach=True)
        _until_gone(engine, served["project"])
