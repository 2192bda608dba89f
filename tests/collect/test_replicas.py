"""Several servers of one model: the least busy one is asked, and one that dies is left out, told, and not missed."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack

import pytest
from aiohttp import web

from eval.errors import EngineError, EngineOverloaded, EngineRejected, EngineUnreachable
from tests.collect import servers
from tests.collect.asks import HI
from tests.collect.replica_servers import ask_until, process, replicas
from tests.collect.servers import Tgi, tgi
from tests.support import free_port


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
