"""REPLICAS and NUM_SHARD: how GPUs are shared out among servers, and what each server is started with."""

from __future__ import annotations

import pytest

from compose.errors import ComposeError
from compose.machine import Machine
from compose.plan import Plan, choose_plan
from compose.replicas import assign_gpus, replicated
from compose.sides import Survivors, by_side
from compose.stack import Model
from compose.vllm import service
from tests.compose.test_plan import BIG, DIALS, HUB, machine

EIGHT = tuple(type(BIG)(index, "NVIDIA H100", BIG.total, BIG.free - index, (9, 0)) for index in range(8))


@pytest.fixture(autouse=True)
def _no_dials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*DIALS, "REPLICAS", "NUM_SHARD"):
        monkeypatch.delenv(name, raising=False)


def chosen(monkeypatch: pytest.MonkeyPatch, replicas: int, shards: int, **asked: object) -> Plan:
    monkeypatch.setenv("REPLICAS", str(replicas))
    monkeypatch.setenv("NUM_SHARD", str(shards))
    given = {"engine": "docker", "models": HUB, "machine": machine(*EIGHT), **asked}
    return choose_plan(**given)  # type: ignore[arg-type]


def test_each_server_has_gpus_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = chosen(monkeypatch, 4, 1)
    assert sorted(gpu for own in plan.gpus.values() for gpu in own) == list(range(8))
    assert list(plan.gpus) == ["base", "base-2", "base-3", "base-4", "tuned", "tuned-2", "tuned-3", "tuned-4"]
    assert not plan.sequential
    assert chosen(monkeypatch, 1, 4).gpus == {"base": (0, 1, 2, 3), "tuned": (4, 5, 6, 7)}
    assert "2 servers each" in chosen(monkeypatch, 2, 2).lines()[0]


def test_sides_take_turns_where_gpus_do_for_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = chosen(monkeypatch, 4, 2)
    assert plan.sequential
    assert plan.gpus["base"] == plan.gpus["tuned"] == (0, 1)
    assert [len(turn) for turn in plan.turns(HUB)] == [1, 1]
    assert chosen(monkeypatch, 1, 2, sequential=True).sequential
    for sequential, told in ((None, "one side alone needs 16"), (False, "both sides together needs 32")):
        with pytest.raises(ComposeError, match=f"need more than the 8 GPUs of this machine .*{told}"):
            chosen(monkeypatch, 8, 2, sequential=sequential)


@pytest.mark.parametrize("given", ["0", "two", "65", "-1"])
def test_a_number_that_is_none_is_a_sentence(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICAS", given)
    with pytest.raises(ComposeError, match=f"REPLICAS is '{given}'; give a whole number from 1 to 64"):
        choose_plan("docker", models=HUB, machine=machine(*EIGHT))


def test_the_embedded_engine_says_that_it_has_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ComposeError, match="REPLICAS applies to servers in Docker or vLLM"):
        chosen(monkeypatch, 2, 1, engine="embedded")
    with pytest.raises(ComposeError, match="NUM_SHARD applies to servers"):
        chosen(monkeypatch, 1, 2, engine="auto", machine=Machine(no_docker="there is no docker command"))


def test_vllm_as_processes_spreads_a_model_over_its_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = chosen(monkeypatch, 2, 2, engine="vllm")
    assert plan.kind == "vllm"
    for model in replicated(HUB, plan.replicas):
        words, _ = service(plan, model)
        assert "--tensor-parallel-size=2" in words
        assert words[0] == f"owner/{model.side.partition('-')[0]}"


def test_addresses_of_servers_are_those_of_their_sides() -> None:
    assert by_side({"base": "a", "base-2": "b", "tuned": "c"}) == {"base": ["a", "b"], "tuned": ["c"]}
    assert [model.side for model in replicated([Model("tuned", "x")], 3)] == ["tuned", "tuned-2", "tuned-3"]
    assert assign_gpus(["base"], [5, 3, 1], 1, 2) == {"base": (3, 5)}
    assert assign_gpus(["base"], [5, 3, 1], 2, 2) == {}


def test_a_server_that_ended_is_told_once_and_its_side_ends_with_its_last_one() -> None:
    services, said = ["base", "base-2", "tuned"], list[str]()
    urls = {name: f"http://{name}" for name in services}
    survivors = Survivors(said.append)
    died = {"base": ComposeError("base: the server was ended by signal 9")}
    for _ in range(2):
        survivors.check(services, died)
    assert said == ["base: the server was ended by signal 9; base continues with 1 server"]
    assert by_side(urls, died) == {"base": ["http://base-2"], "tuned": ["http://tuned"]}
    survivors.check(services, {})
    survivors.check(services, died)
    assert len(said) == 2  # it was started again in between
    with pytest.raises(ComposeError, match="base-2: gone"):
        survivors.check(services, {"base-2": ComposeError("base-2: gone"), **died})
    # Where a side has none left, what tells so is the check: its addresses stay.
    assert by_side(urls, ["tuned"])["tuned"] == ["http://tuned"]
