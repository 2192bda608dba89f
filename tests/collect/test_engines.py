"""Talking to one server: what is asked of it, and the one sentence for each way in which it can fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from eval.collect.engines.addresses import read_address
from eval.collect.engines.connect import connect
from eval.collect.engines.protocol import Engine
from eval.errors import EngineError, EngineRejected, InputError
from eval.records import Message
from tests.collect import servers
from tests.collect.asks import HI, ask
from tests.collect.servers import TEMPLATE_TOKENS, Tgi, tgi
from tests.support import ROOT


async def test_a_request_is_greedy_and_says_its_length() -> None:
    turns = (Message(role="system", content="Be brief."), Message(role="user", content="hi"))
    with tgi(Tgi("m")) as server:
        answer = await ask(server.url, turns, max_tokens=77)
    assert (answer.text, answer.finish_reason) == ("m answers: hi", "stop")
    assert (answer.prompt_tokens, answer.completion_tokens) == (16, 8)
    assert answer.latency > 0
    [body] = server.bodies
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    assert (body["temperature"], body["max_tokens"], body["stream"]) == (0, 77, False)
    assert set(body) == {"model", "messages", "temperature", "max_tokens", "stream"}


async def test_info_tells_what_is_served() -> None:
    with tgi(Tgi("m", info={"docker_label": "sha-1234", "model_sha": None})) as server:
        async with connect(server.url) as engine:
            info = engine.info
    assert info.name == "text-generation-inference 3.3.6-dev0 (sha-1234)"
    assert (info.model_id, info.revision, info.max_concurrent) == ("m", None, 128)
    assert info.served["max_total_tokens"] == 1024


async def test_requests_share_connections() -> None:
    with tgi(Tgi(delay=0.01)) as server:
        async with connect(server.url, connections=4) as engine:
            for _ in range(5):
                await asyncio.gather(*(engine.chat(HI, 8) for _ in range(4)))
    assert server.asked["hi"] == 20
    assert len(server.connections) <= 4


@pytest.mark.parametrize(
    ("words", "asked", "given"), [(10, 512, 512), (500, 512, 512), (700, 512, 1024 - 700 - TEMPLATE_TOKENS)]
)
async def test_a_long_prompt_gets_what_room_the_context_has(words: int, asked: int, given: int) -> None:
    with tgi(Tgi()) as server:
        await ask(server.url, (Message(role="user", content="word " * words),), max_tokens=asked)
    assert [body["max_tokens"] for body in server.bodies] == [given]


async def test_the_server_counts_only_prompts_that_might_be_too_long() -> None:
    with tgi(Tgi()) as server:
        async with connect(server.url) as engine:
            before = server.tokenized
            assert await engine.fit((Message(role="user", content="é" * 200),), 512) == 512
            assert server.tokenized == before
            await engine.fit((Message(role="user", content="é" * 300),), 512)
            assert server.tokenized == before + 1


async def test_a_prompt_that_leaves_no_room_is_refused_before_it_is_sent() -> None:
    with (
        tgi(Tgi()) as server,
        pytest.raises(EngineRejected, match=r"the prompt has 2009 tokens, and http://.* takes 1023 at most"),
    ):
        await ask(server.url, (Message(role="user", content="word " * 2000),))
    assert not server.asked


async def test_an_older_tgi_names_its_limit_otherwise() -> None:
    async def info(request: web.Request) -> web.Response:
        return web.json_response({"model_id": "m", "max_input_length": 50, "max_total_tokens": 60, "version": "2.0.4"})

    app, server = web.Application(), Tgi()
    app.router.add_get("/info", info)
    app.router.add_post("/chat_tokenize", server._tokenize)
    app.router.add_post("/v1/chat/completions", server._chat)
    with servers.serving(app) as url:
        await ask(url)
        with pytest.raises(EngineRejected, match=r"the prompt has 52 tokens, and .* takes 50 at most"):
            await ask(url, (Message(role="user", content="word " * 43),))
    assert [body["max_tokens"] for body in server.bodies] == [60 - TEMPLATE_TOKENS - 1]


async def test_a_server_without_chat_tokenize_gets_what_was_asked() -> None:
    app = web.Application()
    server = Tgi()
    app.router.add_get("/info", server._info)
    app.router.add_post("/v1/chat/completions", server._chat)
    with servers.serving(app) as url:
        await ask(url, (Message(role="user", content="word " * 2000),))
    assert [body["max_tokens"] for body in server.bodies] == [64]


async def test_the_key_goes_to_the_server_as_a_bearer_token(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    async def note(request: web.Request, text: str, nth: int) -> None:
        seen.append(request.headers.get("Authorization"))

    monkeypatch.setenv("BLINDSIDE_API_KEY", "sesame")
    with tgi(Tgi(trouble=note)) as server:
        await ask(server.url)
    assert seen == ["Bearer sesame"]


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://a", "http://", "http://a:b", "", "http://a:99999"])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(InputError, match=r"is not a server's address: give one like http://127\.0\.0\.1:8080"):
        read_address(url)


@pytest.mark.parametrize("url", ["http://a:1", "http://a:1/", "http://a:1/v1", "http://a:1/v1/", "http://a:1/v1#org/m"])
def test_addresses_are_taken_with_a_slash_or_v1_or_a_model_behind(url: str) -> None:
    assert read_address(url).url == "http://a:1"


def recorded() -> Iterator[dict[str, Any]]:
    with (ROOT / "tests" / "data" / "tgi" / "exchanges.jsonl").open(encoding="utf-8") as lines:
        for exchange in map(json.loads, lines):
            body = exchange["request"]["body"]
            if exchange["request"]["path"] == "/v1/chat/completions" and isinstance(body, dict):
                yield exchange


async def outcome(engine: Engine) -> tuple[Any, ...]:
    try:
        answer = await engine.chat(HI, 8)
    except EngineError as error:
        return (error.status,)
    return 200, answer.text, answer.finish_reason, answer.completion_tokens


def expected(response: dict[str, Any]) -> tuple[Any, ...]:
    if response["status"] != 200:
        return (response["status"],)
    choice, usage = response["body"]["choices"][0], response["body"]["usage"]
    return 200, choice["message"]["content"], choice["finish_reason"], usage["completion_tokens"]


async def test_every_recorded_answer_of_a_real_tgi_is_understood() -> None:
    exchanges = [
        e for e in recorded() if not e["request"]["body"].get("stream") and "tools" not in e["request"]["body"]
    ]
    replies = iter(exchanges)

    async def replay(request: web.Request, text: str, nth: int) -> web.StreamResponse:
        response = next(replies)["response"]
        if isinstance(response["body"], str):
            return web.Response(status=response["status"], text=response["body"])
        return web.json_response(response["body"], status=response["status"])

    statuses: list[int] = []
    with tgi(Tgi(trouble=replay)) as server:
        async with connect(server.url) as engine:
            for exchange in exchanges:
                response = exchange["response"]
                statuses.append(response["status"])
                assert await outcome(engine) == expected(response)
    assert statuses.count(200) > 80
    assert {422, 429, 401} <= set(statuses)
