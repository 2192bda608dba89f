"""Several servers of one model: the least busy one is asked, and one that dies is left out, told, and not missed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from eval.answers import read_answers
from eval.collect.engines.connect import Address, connect
from eval.collect.engines.protocol import Engine
from eval.collect.engines.replicas import Replicas, connect_replicas
from eval.collect.parity.determinism import check_determinism
from eval.errors import EngineError, EngineOverloaded, EngineRejected, EngineUnreachable, InputError
from eval.records import Side
from eval.run import open_run
from tests.collect import servers
from tests.collect.asks import HI
from tests.collect.openai_servers import OpenAi, openai
from tests.collect.runs import FAST, gather, new_run
from tests.collect.servers import Tgi, tgi
from tests.support import ROOT, free_port


@asynccontextmanager
async def replicas(*urls: str, first_check: float = 600.0) -> AsyncIterator[tuple[Replicas, list[str]]]:
    """Replicas that are checked again after `first_check` seconds, and what they tell."""

    @asynccontextmanager
    async def one(url: str) -> AsyncIterator[Engine]:
        async with connect(url, seconds=5.0) as engine:
            yield engine

    told: list[str] = []
    async with connect_replicas(urls, one, told.append, first_check=first_check) as engine:
        yield engine, told


@contextmanager
def process() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a server that is a process of its own, and can be killed."""
    command = [sys.executable, "-m", "tests.collect.servers", "--delay", "0.05"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().decode().strip(), server
        finally:
            server.kill()


async def ask_until(engine: Engine, told: list[str], lines: int) -> None:
    """Continue asking until so many lines were told."""
    async with asyncio.timeout(30):
        while len(told) < lines:
            await engine.chat(HI, 8)
            await asyncio.sleep(0.005)


async def test_the_least_busy_is_asked() -> None:
    with tgi(Tgi("m", delay=0.02)) as one, tgi(Tgi("m", delay=0.02)) as two, tgi(Tgi("m", delay=0.02)) as three:
        async with replicas(one.url, two.url, three.url) as (engine, _):
            await asyncio.gather(*(engine.chat(HI, 8) for _ in range(9)))
    assert [server.most_in_flight for server in (one, two, three)] == [3, 3, 3]


async def test_one_by_one_they_take_turns() -> None:
    with tgi(Tgi("m")) as one, tgi(Tgi("m")) as two:
        async with replicas(one.url, two.url) as (engine, _):
            for _ in range(6):
                await engine.chat(HI, 8)
    assert (one.asked.total(), two.asked.total()) == (3, 3)


async def test_a_slow_one_gets_less() -> None:
    arrived = threading.Event()

    async def hang(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        arrived.set()
        return await servers.hang(request, text, nth)

    with tgi(Tgi("m", trouble=hang)) as slow, tgi(Tgi("m")) as fast:
        async with replicas(slow.url, fast.url) as (engine, _):
            waiting = asyncio.create_task(engine.chat(HI, 8))
            assert await asyncio.to_thread(arrived.wait, 30)
            for _ in range(10):
                await engine.chat(HI, 8)
            waiting.cancel()
    assert (slow.asked.total(), fast.asked.total()) == (1, 10)


async def test_a_full_one_is_asked_last_and_all_of_them_take_what_each_takes() -> None:
    few = {"max_concurrent_requests": 2}
    with tgi(Tgi("m", delay=0.02, info=few)) as one, tgi(Tgi("m", delay=0.02)) as two:
        async with replicas(one.url, two.url) as (engine, _):
            assert engine.info.max_concurrent == 2 + 128
            await asyncio.gather(*(engine.chat(HI, 8) for _ in range(20)))
    assert one.most_in_flight == 2


async def test_one_that_dies_is_left_out_and_told_once() -> None:
    with process() as (url, server), tgi(Tgi("model")) as lives:
        async with replicas(url, lives.url) as (engine, told):
            server.kill()
            server.wait()
            for _ in range(10):
                assert (await engine.chat(HI, 8)).text == "model answers: hi"
    assert told == [
        f"replica left out, 1 of 2 in use: cannot connect to {url} (Connection refused): is the server running?"
    ]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (servers.hang_up, "broke before the answer was complete"),
        (servers.always(lambda: web.Response(status=503)), "failed (503): an empty body"),
        (servers.always(lambda: web.Response(text="<html>hi")), "answered a web page"),
    ],
)
async def test_one_that_fails_three_times_in_a_row_is_left_out(trouble: servers.Trouble, said: str) -> None:
    with tgi(Tgi("m", trouble=trouble)) as bad, tgi(Tgi("m")) as good:
        async with replicas(bad.url, good.url) as (engine, told):
            for _ in range(12):
                await engine.chat(HI, 8)
    assert (bad.asked.total(), good.asked.total()) == (3, 12)
    [line] = told
    assert said in line


async def test_one_that_refuses_our_key_is_left_out_at_once() -> None:
    refuse = servers.always(lambda: web.Response(status=401))
    with tgi(Tgi("m", trouble=refuse)) as closed, tgi(Tgi("m")) as opened:
        async with replicas(closed.url, opened.url) as (engine, told):
            for _ in range(5):
                await engine.chat(HI, 8)
    assert closed.asked.total() == 1
    assert len(told) == 1


async def test_trouble_now_and_then_puts_nobody_out() -> None:
    async def every_third_works(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return None if nth % 3 == 2 else web.Response(status=500)

    with tgi(Tgi("m", trouble=every_third_works)) as shaky, tgi(Tgi("m")) as good:
        async with replicas(shaky.url, good.url) as (engine, told):
            for _ in range(40):
                await engine.chat(HI, 8)
    assert shaky.asked.total() > 10
    assert told == []


async def test_a_prompt_that_fails_everywhere_puts_nobody_out() -> None:
    async def poison(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return web.Response(status=500, text="boom")

    with tgi(Tgi("m", trouble=poison)) as one, tgi(Tgi("m", trouble=poison)) as two:
        async with replicas(one.url, two.url) as (engine, told):
            for _ in range(5):
                with pytest.raises(EngineError, match=r"failed \(500\): 'boom'"):
                    await engine.chat(HI, 8)
            one.trouble = two.trouble = None
            await engine.chat(HI, 8)
    assert told == []


async def test_a_refused_request_is_not_put_to_the_others() -> None:
    refuse = servers.always(lambda: web.Response(status=422, text="no"))
    with tgi(Tgi("m", trouble=refuse)) as one, tgi(Tgi("m", trouble=refuse)) as two:
        async with replicas(one.url, two.url) as (engine, _):
            with pytest.raises(EngineRejected):
                await engine.chat(HI, 8)
    assert one.asked.total() + two.asked.total() == 1


async def test_a_busy_one_passes_to_the_others_and_only_when_all_are_busy_we_wait() -> None:
    def busy(after: str) -> servers.Trouble:
        return servers.always(lambda: web.Response(status=429, headers={"Retry-After": after}))

    with tgi(Tgi("m", trouble=busy("9"))) as one, tgi(Tgi("m")) as two:
        async with replicas(one.url, two.url) as (engine, told):
            for _ in range(10):
                await engine.chat(HI, 8)
            two.trouble = busy("4")
            with pytest.raises(EngineOverloaded) as caught:
                await engine.chat(HI, 8)
    assert caught.value.retry_after == 4
    assert told == []


async def test_when_all_are_dead_it_is_one_sentence() -> None:
    with process() as (one, first), process() as (two, second):
        async with replicas(one, two) as (engine, _):
            for server in (first, second):
                server.kill()
                server.wait()
            for _ in range(5):
                with pytest.raises(EngineUnreachable, match=r"^none of the 2 replicas answers: .*http"):
                    await engine.chat(HI, 8)


async def test_one_that_comes_back_is_asked_again() -> None:
    port = free_port()
    with tgi(Tgi("m")) as lives, ExitStack() as life:
        mortal = life.enter_context(tgi(Tgi("m"), port))
        async with replicas(mortal.url, lives.url, first_check=0.01) as (engine, told):
            life.close()
            await ask_until(engine, told, 1)
            with tgi(Tgi("m"), port) as again:
                await ask_until(engine, told, 2)
                for _ in range(4):
                    await engine.chat(HI, 8)
    assert told[1] == f"replica {mortal.url} answers again and is used again"
    assert again.asked.total() >= 2


async def test_one_that_comes_back_with_another_model_stays_out() -> None:
    port = free_port()
    with tgi(Tgi("m")) as lives, ExitStack() as life:
        mortal = life.enter_context(tgi(Tgi("m"), port))
        async with replicas(mortal.url, lives.url, first_check=0.01) as (engine, told):
            life.close()
            await ask_until(engine, told, 1)
            with tgi(Tgi("m", info={"model_sha": "newer"}), port) as other:
                await ask_until(engine, told, 2)
                for _ in range(4):
                    await engine.chat(HI, 8)
    assert told[1].startswith(f"replica {mortal.url} stays out: it now serves m (newer) by text-generation-inference")
    assert not other.asked


async def test_one_that_is_up_but_cannot_answer_is_asked_ever_more_rarely() -> None:
    with tgi(Tgi("m", trouble=servers.hang_up)) as half, tgi(Tgi("m")) as whole:
        async with replicas(half.url, whole.url, first_check=0.01) as (engine, told):
            await ask_until(engine, told, 7)
    assert [line.split(" ")[1] for line in told] == ["left", half.url] * 3 + ["left"]
    # Three failures at first, and one each time that it came back.
    assert half.asked.total() == 3 + 3


async def test_leaving_does_not_wait_for_a_check() -> None:
    port = free_port()
    with tgi(Tgi("m")) as lives, ExitStack() as life:
        mortal = life.enter_context(tgi(Tgi("m"), port))
        async with replicas(mortal.url, lives.url, first_check=0.01) as (engine, told):
            life.close()
            await ask_until(engine, told, 1)
            begun = asyncio.Event()

            async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                begun.set()
                await reader.read()
                writer.close()

            async with await asyncio.start_server(silent, "127.0.0.1", port):
                async with asyncio.timeout(30):
                    while not begun.is_set():
                        await engine.chat(HI, 8)
                        await asyncio.sleep(0.005)
                async with asyncio.timeout(3):  # the check itself has five seconds
                    await engine.close()


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
