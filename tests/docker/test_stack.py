"""Two containers by the project's own compose files: healthy, answering, and gone afterwards."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import docker

from compose.leftovers import remove_orphans
from tests.docker.stand_in import MODELS, container, left, plan, stack


def test_what_runs_is_closed_to_the_network_and_read_only(engine: docker.DockerClient, tmp_path: Path) -> None:
    said: list[str] = []
    with stack(tmp_path, said=said) as served:
        for side, url in served.urls.items():
            assert f"{side}: healthy at {url}" in said
            attributes = container(engine, served.project, side).attrs
            ports = [one["HostIp"] for some in attributes["NetworkSettings"]["Ports"].values() for one in some]
            mounts = {mount["Destination"]: mount["RW"] for mount in attributes["Mounts"]}
            variables = dict(one.split("=", 1) for one in attributes["Config"]["Env"])
            assert ports == ["127.0.0.1"]
            assert mounts[f"/models/{side}"] is False
            assert attributes["HostConfig"]["RestartPolicy"]["Name"] == "no"
            assert attributes["HostConfig"]["LogConfig"]["Config"] == {"max-size": "20m", "max-file": "3"}
            assert (variables["HF_HUB_OFFLINE"], variables["PREFIX_CACHING"]) == ("1", "0")
            assert not {"HF_TOKEN", "HF_TOKEN_PATH", "TRUST_REMOTE_CODE"} & set(variables)


def test_one_side_at_a_time(engine: docker.DockerClient, tmp_path: Path) -> None:
    seen = []
    for model in MODELS:
        with stack(tmp_path, models=[model]) as served:
            seen.append((model.side, sorted(served.urls)))
            assert [one.labels["com.docker.compose.service"] for one in _running(engine, served.project)] == [
                model.side
            ]
        assert left(engine, served.project) == []
    assert seen == [("base", ["base"]), ("tuned", ["tuned"])]


def test_on_a_shared_gpu_the_second_one_starts_when_the_first_is_healthy(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    said: list[str] = []
    with stack(tmp_path, said=said, in_turn=True):
        pass
    order = [line.split(" at ")[0].split(" /")[0] for line in said]
    assert order == ["base: starting", "base: healthy", "tuned: starting", "tuned: healthy"]


def test_two_runs_do_not_meet(engine: docker.DockerClient, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with stack(tmp_path / "one", run="same name") as one:
        with stack(tmp_path / "two", run="same name") as two:
            assert len({*one.urls.values(), *two.urls.values()}) == 4
        assert left(engine, two.project) == []
        one.check()
        assert len(_running(engine, one.project)) == 2
    assert left(engine, one.project) == []


def test_a_stack_in_another_thread_is_taken_down_too(engine: docker.DockerClient, tmp_path: Path) -> None:
    served = stack(tmp_path, models=MODELS[:1])

    def work() -> None:
        with served:
            assert len(_running(engine, served.project)) == 1

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert left(engine, served.project) == []


def test_the_plan_names_the_files_and_the_reason(engine: docker.DockerClient, tmp_path: Path) -> None:
    lines = plan(tmp_path).lines()
    assert "docker-compose.yml + docker-compose.cpu.yml + stand-in.yml" in lines[1]
    assert remove_orphans("blindside-no-such-project") == 0


def _running(client: docker.DockerClient, project: str) -> list[Any]:
    return client.containers.list(filters={"label": f"com.docker.compose.project={project}"})
