"""Collections from several servers a side: which addresses may stand together, and what dies meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from eval.answers import read_answers
from eval.collect.engines.connect import Address, connect
from eval.collect.parity.determinism import check_determinism
from eval.errors import EngineUnreachable, InputError
from eval.records import Side
from eval.run import open_run
from tests.collect import servers
from tests.collect.openai_servers import OpenAi, openai
from tests.collect.replica_servers import process
from tests.collect.runs import FAST, gather, new_run
from tests.collect.servers import Tgi, tgi
from tests.support import free_port


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({"model_id": "other"}, r"serves m \(sha-of-m\) by .*, and http.* serves other \(sha-of-m\) by"),
        ({"model_sha": "newer"}, r"serves m \(newer\) by"),
        ({"version": "2.0.1"}, r"by text-generation-inference 2\.0\.1"),
        (
            {"max_total_tokens": 99},
            r"max_total_tokens 1024, and .*, max_total_tokens 99: replicas of one side must serve",
        ),
    ],
)
async def test_replicas_that_differ_are_refused(info: dict[str, object], said: str) -> None:
    with tgi(Tgi("m")) as one, tgi(Tgi("m", info=dict(info))) as two, pytest.raises(InputError, match=said):
        async with connect([one.url, two.url]):
            pass


async def test_an_address_that_is_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match=r"http://a:1 is given twice for one side"):
        async with connect(["http://a:1", "http://a:1"]):
            pass


async def test_each_replica_must_be_there_to_begin_with() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with tgi(Tgi("m")) as lives, pytest.raises(EngineUnreachable, match=f"cannot connect to {url}"):
        async with connect([lives.url, url]):
            pass


async def test_one_address_in_a_list_is_that_address() -> None:
    with tgi(Tgi("m")) as server:
        async with connect([server.url]) as engine:
            assert engine.url == server.url
            assert "replicas" not in engine.info.served
    with pytest.raises(InputError, match="no address is given"):
        async with connect([]):
            pass


def sides(base: Address, tuned: Address) -> Mapping[Side, Address]:
    return {"base": base, "tuned": tuned}


def test_a_replica_killed_in_the_middle_is_not_missed(tmp_path: Path) -> None:
    with process() as (doomed, server), process() as (lives, _), tgi(Tgi("tuned")) as tuned:
        urls = sides([doomed, lives], tuned.url)
        run = new_run(tmp_path, urls, count=200)

        async def kill_at_100(request: web.Request, text: str, nth: int) -> None:
            if tuned.answered.total() >= 100:
                server.kill()

        tuned.trouble, tuned.delay = kill_at_100, 0.01
        summary, said = gather(run, urls, replace(FAST, concurrency=8, timeout=10, attempts=1))
    assert (summary.answered, summary.failed) == (400, 0)
    lines = [json.loads(line) for line in run.responses_path.read_text().splitlines()]
    assert len(lines) == len({(line["prompt_id"], line["side"]) for line in lines}) == 400
    assert set(tuned.asked.values()) == {1}
    [loss] = [line for line in said if "replica" in line]
    assert loss.startswith("base: replica left out, 1 of 2 in use: ")
    assert doomed in loss


def test_all_replicas_of_a_side_killed_ends_the_run_and_the_next_start_goes_on(tmp_path: Path) -> None:
    with process() as (one, first), process() as (two, second), tgi(Tgi("tuned", delay=0.01)) as tuned:
        urls = sides([one, two], tuned.url)
        run = new_run(tmp_path, urls, count=200)

        async def kill_at_50(request: web.Request, text: str, nth: int) -> None:
            if tuned.answered.total() >= 50:
                first.kill()
                second.kill()

        tuned.trouble = kill_at_50
        with pytest.raises(EngineUnreachable, match=r"none of the 2 replicas answers: .*, so the run ends here"):
            gather(run, urls)
        kept = len(read_answers(run.responses_path).responses)
        with process() as (three, _), process() as (four, _):
            summary, _ = gather(run, sides([three, four], tuned.url))
    assert (summary.already, summary.answered, summary.failed) == (kept, 400 - kept, 0)


def test_what_was_collected_without_a_replica_is_asked_again_without_it(tmp_path: Path) -> None:
    with process() as (doomed, server), process() as (lives, _), tgi(Tgi("tuned")) as tuned:
        urls = sides([doomed, lives], tuned.url)
        run = new_run(tmp_path, urls, count=20)
        gather(run, urls)
        server.kill()
        server.wait()
        told: list[str] = []
        found = check_determinism(open_run(run.folder.parent, run.name), urls, say=told.append)
        assert [(one.asked, one.flipped, one.failed) for one in found.sides.values()] == [(5, 0, 0)] * 2
        assert [line for line in told if line.startswith(f"replica left out: cannot connect to {doomed}")]
        with pytest.raises(EngineUnreachable, match="cannot connect"):
            check_determinism(run, sides([doomed, f"{doomed}/"], tuned.url), say=told.append)


def test_run_json_names_every_address_and_what_each_served(tmp_path: Path) -> None:
    with openai(OpenAi("m")) as one, openai(OpenAi("m")) as two, tgi(Tgi("tuned")) as tuned:
        urls = sides([one.url, two.url], tuned.url)
        gather(new_run(tmp_path, urls), urls)
    model = open_run(tmp_path / "reports", "first").info.models["base"]
    assert (model.name, model.url) == ("m", f"{one.url} {two.url}")
    assert set(model.served["replicas"]) == {one.url, two.url}
    assert {served["model_id"] for served in model.served["replicas"].values()} == {"m"}
    assert one.asked.total() + two.asked.total() == 3


def test_replicas_without_a_batched_path_still_answer_all(tmp_path: Path) -> None:
    error = "Request failed during generation: The `past_key_values` should be either a `Cache` object or `None`"

    def alone(server: Tgi) -> servers.Trouble:
        async def trouble(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
            crowded = server.in_flight > 1
            return web.json_response({"error": error, "error_type": "generation"}, status=424) if crowded else None

        return trouble

    with tgi(Tgi("m", delay=0.02)) as one, tgi(Tgi("m", delay=0.02)) as two, tgi(Tgi("tuned")) as tuned:
        one.trouble, two.trouble = alone(one), alone(two)
        urls = sides([one.url, two.url], tuned.url)
        summary, said = gather(new_run(tmp_path, urls, count=12), urls, replace(FAST, attempts=2))
    assert summary.answered == 24
    assert not any("left out" in line for line in said)
    assert sum("gets them one by one" in line for line in said) == 1
