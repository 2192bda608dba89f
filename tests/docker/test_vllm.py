"""A real vLLM in two containers on the CPU, by the project's own compose files: proved, collected, taken down."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from compose.containers import DockerStack
from compose.machine import Machine
from compose.plan import choose_plan
from eval.cli.collecting.prove_and_collect import CollectionSettings, is_complete, prove_and_collect
from eval.cli.collecting.serving import Servers, StartedServers
from eval.run import open_run
from tests.compose.servers import need_train
from tests.docker.stand_in import MODELS, left, variables
from tests.docker.test_evaluation import start
from tests.support import ROOT, TRAIN_PYTHON
from tests.vllm.world import VLLM_PYTHON, need_vllm

pytestmark = pytest.mark.train


@contextmanager
def containers(tmp_path: Path, seen: list[DockerStack]) -> Iterator[Servers]:
    (hub := tmp_path / "hub").mkdir()
    plan = choose_plan("docker", models=MODELS, server="vllm", machine=Machine(engine="27.0", compose="2.30.0"))
    environment = {**plan.environment, "HUB_CACHE": str(hub), "DTYPE": "float32", **variables(VLLM_PYTHON)}
    plan = dataclasses.replace(plan, environment=environment, local=ROOT / "tests/docker/vllm.yml")
    made = DockerStack(MODELS, run="test", plan=plan, logs=tmp_path / "logs", startup_seconds=600)
    seen.append(made)
    with made:
        yield StartedServers(made)


def test_vllm_in_two_containers_is_proved_and_collected_from(engine: docker.DockerClient, tmp_path: Path) -> None:
    need_train()
    need_vllm()
    run = start(tmp_path, 12)
    seen: list[DockerStack] = []
    how = CollectionSettings(TRAIN_PYTHON, "float32", concurrency=4, force=False)
    assert prove_and_collect(run, [lambda: containers(tmp_path, seen)], how) == 0
    assert left(engine, seen[0].project) == []
    run = open_run(run.folder.parent, run.name)
    assert is_complete(run)
    assert run.info.engine.startswith("vllm ")
    for side in run.info.checks.parity.values():
        # Both sides serve the same weights, so which of them answers can't be told.
        assert [check.name for check in side.checks if check.passed is not True] == ["weights"]
    assert {side.flipped for side in run.info.checks.determinism.values()} == {0}
