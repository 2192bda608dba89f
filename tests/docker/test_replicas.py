"""Several servers a side: the compose file that is written, and stand-in containers that answer and are gone."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Any

import docker
import pytest

from compose.command import HERE, Compose
from compose.containers import DockerStack
from compose.errors import ContainerDied
from compose.replicas import replica_compose, replicated
from compose.stack import healthy
from tests.docker.stand_in import MODELS, container, left, need_docker, stack

GPUS = {"base": (0,), "tuned": (1,), "base-2": (2,), "tuned-2": (3,)}


def merged(*names: str, **variables: str) -> dict[str, Any]:
    need_docker().close()
    files = [HERE / "docker-compose.yml", *(HERE / f"docker-compose.{name}.yml" for name in names)]
    return Compose("test", files, variables).config()


def test_the_file_by_hand_says_what_is_written_for_two_a_side(tmp_path: Path) -> None:
    ports = {"BASE_PORT": "1", "TUNED_PORT": "2", "BASE_2_PORT": "3", "TUNED_2_PORT": "4"}
    by_hand = merged("gpu", "replicas", **ports)["services"]
    (path := tmp_path / "all.yml").write_text(
        json.dumps(replica_compose(merged("gpu"), replicated(MODELS, 2), GPUS)), encoding="utf-8"
    )
    ours = Compose("test", [path], ports).config()["services"]
    assert by_hand.keys() == ours.keys() == GPUS.keys()
    for name in GPUS:
        assert {**by_hand[name], "networks": None} == {**ours[name], "networks": None}
    assert [one["published"] for service in ours.values() for one in service["ports"]] == ["1", "3", "2", "4"]


@pytest.mark.parametrize("server", ["", "vllm", "sglang"])
def test_every_server_spreads_a_model_over_its_gpus(server: str) -> None:
    files = [name for name in (server, "gpu") if name]
    gpus = {"base": (0, 1), "base-2": (2, 3), "tuned": (4, 5), "tuned-2": (6, 7)}
    services = replica_compose(merged(*files, NUM_SHARD="2"), replicated(MODELS, 2), gpus)["services"]
    for name, service in services.items():
        devices = service["deploy"]["resources"]["reservations"]["devices"]
        assert devices == [
            {"driver": "nvidia", "device_ids": [str(gpu) for gpu in gpus[name]], "capabilities": ["gpu"]}
        ]
        said = {"": service["environment"]["NUM_SHARD"], "vllm": "--tensor-parallel-size=2", "sglang": "--tp-size=2"}
        assert said[server] == "2" or said[server] in service["command"]


def _watch(served: DockerStack) -> None:
    while True:
        served.check()
        time.sleep(0.1)


def test_two_servers_a_side_are_up_and_gone_afterwards(engine: docker.DockerClient, tmp_path: Path) -> None:
    usual = stack(tmp_path, STAND_IN_PYTHON=f"{sys.base_prefix}/bin/python3")  # the light one needs no package
    plan = dataclasses.replace(usual.plan, replicas=2)
    said: list[str] = []
    served = DockerStack(MODELS, run="twice", plan=plan, logs=tmp_path / "logs", startup_seconds=120, say=said.append)
    with served:
        addresses = served.addresses()
        assert {side: len(urls) for side, urls in addresses.items()} == {"base": 2, "tuned": 2}
        assert len({url for urls in addresses.values() for url in urls}) == 4
        assert all(healthy(url) for urls in addresses.values() for url in urls)
        assert sorted(path.name for path in (tmp_path / "logs").glob("*.log")) == [
            "base-2.log", "base.log", "tuned-2.log", "tuned.log",
        ]  # fmt: skip
        served.check()
        container(engine, served.project, "base-2").kill()
        while len(served.addresses()["base"]) > 1:
            time.sleep(0.1)
        served.check()
        assert [line.rpartition("; ")[2] for line in said if "continues" in line] == ["base continues with 1 server"]
        container(engine, served.project, "base").kill()
        with pytest.raises(ContainerDied, match=r"^base: "):
            _watch(served)
    assert left(engine, served.project) == []
