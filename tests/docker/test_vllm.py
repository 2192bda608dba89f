"""A real vLLM in a container on the CPU, by the project's own compose files: up, proved, taken down.

One side is enough: what two containers do together is the same for every engine (test_evaluation), and what two vLLM
servers answer is seen in tests/vllm.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import docker
import pytest

from compose.containers import DockerStack
from compose.machine import Machine
from compose.plan import choose_plan
from eval.collect.parity.parity import check_parity
from eval.records import Side
from eval.run_info import ModelInfo
from tests.collect.parity_world import PROMPTS
from tests.compose.servers import MODEL
from tests.docker.stand_in import MODELS, left, variables
from tests.support import ROOT
from tests.vllm.world import VLLM_PYTHON, need_vllm
from tests.warm.warm import train_python

pytestmark = pytest.mark.train


def vllm(tmp_path: Path) -> DockerStack:
    (hub := tmp_path / "hub").mkdir()
    base = MODELS[:1]
    plan = choose_plan("docker", models=base, server="vllm", machine=Machine(engine="27.0", compose="2.30.0"))
    environment = {**plan.environment, "HUB_CACHE": str(hub), "DTYPE": "float32", **variables(VLLM_PYTHON)}
    plan = dataclasses.replace(plan, environment=environment, local=ROOT / "tests/docker/vllm.yml")
    return DockerStack(base, run="test", plan=plan, logs=tmp_path / "logs", startup_seconds=600)


def test_vllm_in_a_container_is_proved(engine: docker.DockerClient, tmp_path: Path) -> None:
    need_vllm()
    stack = vllm(tmp_path)
    with stack:
        assert stack.engine.startswith("vllm ")
        info = ModelInfo(name="base", source=str(MODEL))
        served: dict[Side, str] = {"base": stack.served["base"]}
        report = check_parity(
            {"base": stack.urls["base"]}, {"base": info}, PROMPTS, python=train_python(), expected_ids=served
        )
    assert left(engine, stack.project) == []
    assert len(report.checks) >= 7
    assert all(check.passed for check in report.checks)
