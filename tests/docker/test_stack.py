"""Two containers by the project's own compose files: healthy, answering, and gone afterwards."""

from __future__ import annotations

import json
import threading
import urllib.request
from pathlib import Path
from typing import Any

import docker

from compose.leftovers import remove_orphans
from tests.compose.servers import need_train
from tests.docker.stand_in import IMAGE, MODELS, container, left, plan, stack


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read())


def test_both_sides_answer_and_nothing_is_left(engine: docker.DockerClient, tmp_path: Path) -> None:
    need_train()
    said: list[str] = []
    served = stack(tmp_path, said=said, BASE_STAND_IN="engine", TUNED_STAND_IN="engine")
    question = {"messages": [{"role": "user", "content": "What is the capital of Croatia?"}], "temperature": 0}
    with served:
        assert served.engine.startswith(f"tgi {IMAGE}@sha256:")
        for side, url in served.urls.items():
            with urllib.request.urlopen(f"{url}/info", timeout=10) as response:
                info = json.loads(response.read())
            assert info["model_id"] == served.served[side] == f"/models/{side}"
            assert (info["max_total_tokens"], info["max_input_tokens"]) == (1024, 1023)
            answer = _post(f"{url}/v1/chat/completions", question | {"model": "tgi", "max_tokens": 16})
            assert answer["choices"][0]["message"]["content"]
            generate = {"inputs": "a", "parameters": {"decoder_input_details": True, "max_new_tokens": 1}}
            assert _post(f"{url}/generate", generate)["details"][
                "prefill"
            ]  # the flag --enable-prefill-logprobs came through
        served.check()
    assert f"base: healthy at {_url(said, 'base')}" in said
    assert "/models/tuned" in (tmp_path / "logs/tuned.log").read_text()
    assert left(engine, served.project) == []


def test_what_runs_is_closed_to_the_network_and_read_only(engine: docker.DockerClient, tmp_path: Path) -> None:
    with stack(tmp_path) as served:
        for side in ("base", "tuned"):
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


def _url(said: list[str], side: str) -> str:
    return next(line.rpartition(" ")[2] for line in said if line.startswith(f"{side}: healthy"))
