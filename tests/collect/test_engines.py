"""Talking to one server: what is asked of it, and the one sentence for each way in which it can fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from eval.collect.engines import Busy, Completion, Engine, connect
from eval.collect.transport import check_url
from eval.errors import EngineError, EngineRejected, EngineUnreachable, InputError
from eval.records import Message
from tests.collect import servers
from tests.collect.servers import TEMPLATE_TOKENS, Tgi, tgi
from tests.support import ROOT, free_port

HI = (Message(role="user", content="hi"),)


async def ask(url: str, messages: tuple[Message, ...] = HI, max_tokens: int = 64, seconds: float = 5.0) -> Completion:
    async with connect(url, seconds=seconds) as engine:
        return await engine.chat(messages, await engine.fit(messages, max_tokens))


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


FAILURES: list[tuple[Any, type[EngineError], int | None, str]] = [
    (web.Response(status=500, text="boom"), EngineError, 500, "failed (500): 'boom'"),
    (web.Response(status=503), EngineError, 503, "failed (503): an empty body"),
    (web.Response(status=502, text="<html><h1>Bad Gateway"), EngineError, 502, "failed (502): a web page"),
    (web.Response(text="garbage"), EngineError, 200, "answered 'garbage' where a completion belongs"),
    (web.Response(text="<!DOCTYPE html><p>Log in"), EngineError, 200, "answered a web page where a completion"),
    (web.Response(), EngineError, 200, "answered an empty body where a completion belongs"),
    (web.Response(body=b"\xff\x00" * 200), EngineError, 200, "answered 400 bytes that are no text where"),
    (web.json_response({"error": "odd"}), EngineError, 200, "where a completion belongs"),
    (web.json_response([]), EngineError, 200, "where a completion belongs"),
    (web.json_response(servers.completion("m", "x") | {"choices": []}), EngineError, 200, "without a text"),
    (web.Response(status=401), EngineError, 401, "refuses us (401): set BLINDSIDE_API_KEY to a key that it takes"),
    (web.Response(status=404), EngineError, 404, "has no chat completions (404): give the address of a TGI server"),
    (
        web.json_response({"error": "Model is overloaded", "error_type": "overloaded"}, status=429),
        Busy,
        429,
        "is overloaded (429): Model is overloaded",
    ),
    (
        web.json_response({"error": "Request failed during generation", "error_type": "generation"}, status=424),
        EngineError,
        424,
        "failed (424): Request failed during generation",
    ),
    (
        web.json_response({"error": "Input validation error", "error_type": "validation"}, status=422),
        EngineRejected,
        422,
        "refused the request (422): Input validation error",
    ),
    (web.Response(status=422, text="Failed to deserialize"), EngineRejected, 422, "(422): 'Failed to deserialize'"),
    (web.Response(status=413, text="length limit exceeded"), EngineRejected, 413, "(413): 'length limit exceeded'"),
]


@pytest.mark.parametrize(("response", "kind", "status", "said"), FAILURES)
async def test_each_bad_answer_is_one_sentence(
    response: web.Response, kind: type[EngineError], status: int | None, said: str
) -> None:
    with tgi(Tgi(trouble=servers.always(lambda: response))) as server, pytest.raises(EngineError) as caught:
        await ask(server.url)
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert str(caught.value).startswith(server.url)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


async def test_tgis_own_error_is_the_cause() -> None:
    body = {"error": "too long", "error_type": "validation"}
    refusing = Tgi(trouble=servers.always(lambda: web.json_response(body, status=422)))
    with tgi(refusing) as server, pytest.raises(EngineRejected) as caught:
        await ask(server.url)
    assert type(caught.value.__cause__).__module__ == "text_generation.errors"


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (servers.hang, "gave no answer within 0.3 s"),
        (servers.close_midway, "broke before the answer was complete"),
        (servers.hang_up, "broke before the answer was complete"),
    ],
)
async def test_a_connection_that_fails_is_one_sentence(trouble: servers.Trouble, said: str) -> None:
    with tgi(Tgi(trouble=trouble)) as server, pytest.raises(EngineUnreachable, match=said):
        await ask(server.url, seconds=0.3)


async def test_nobody_listens() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(EngineUnreachable, match=rf"nobody answers at {url} \(.*refused.*\): is the server running\?"):
        await ask(url)


async def test_a_name_that_nobody_has() -> None:
    with pytest.raises(EngineUnreachable, match=r"nobody answers at http://no-such-host\.invalid:80"):
        await ask("http://no-such-host.invalid:80")


async def test_https_where_only_http_is_spoken() -> None:
    with tgi(Tgi()) as server, pytest.raises(EngineUnreachable, match=r"no secure connection to https://.*: check its"):
        await ask(server.url.replace("http:", "https:"))


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


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"])
async def test_what_is_no_web_server(answer: bytes) -> None:
    with (
        servers.raw(answer) as url,
        pytest.raises(EngineUnreachable, match=r"the connection to .* broke before the answer was complete"),
    ):
        await ask(url)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (web.Response(status=404), "/info answered an empty body with status 404; give the address of a TGI server"),
        (web.Response(text="<html>Welcome to nginx!"), "/info answered a web page with status 200"),
        (web.json_response({"data": []}), "does not speak Text Generation Inference's protocol"),
        (web.Response(status=500), "failed (500): an empty body"),
        (web.Response(status=401), "refuses us (401)"),
    ],
)
async def test_a_server_that_is_not_tgi_is_told_at_once(response: web.Response, said: str) -> None:
    async def info(request: web.Request) -> web.Response:
        return response

    app = web.Application()
    app.router.add_get("/info", info)
    with servers.serving(app) as url, pytest.raises(EngineError) as caught:
        await ask(url)
    assert said in str(caught.value)


async def test_a_model_without_a_chat_template_is_refused_at_once() -> None:
    async def tokenize(request: web.Request) -> web.Response:
        return web.json_response(
            {"error": "Template error: template not found", "error_type": "template_error"}, status=422
        )

    app = web.Application()
    app.router.add_get("/info", Tgi()._info)
    app.router.add_post("/chat_tokenize", tokenize)
    with (
        servers.serving(app) as url,
        pytest.raises(EngineRejected, match=r"refused the request \(422\): Template error: template not found"),
    ):
        await ask(url)


async def test_a_server_without_chat_tokenize_gets_what_was_asked() -> None:
    app = web.Application()
    server = Tgi()
    app.router.add_get("/info", server._info)
    app.router.add_post("/v1/chat/completions", server._chat)
    with servers.serving(app) as url:
        await ask(url, (Message(role="user", content="word " * 2000),))
    assert [body["max_tokens"] for body in server.bodies] == [64]


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        ("-3", 0, 0),
        (format_datetime(datetime.now(UTC) + timedelta(seconds=500), usegmt=True), 300, 500),
        ("soon", None, None),
    ],
)
async def test_retry_after_is_read(header: str, low: float | None, high: float | None) -> None:
    busy = servers.always(lambda: web.Response(status=429, headers={"Retry-After": header}))
    with tgi(Tgi(trouble=busy)) as server, pytest.raises(Busy) as caught:
        await ask(server.url)
    after = caught.value.retry_after
    assert after == low if low is None or high is None else after is not None and low <= after <= high


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
        check_url(url)


@pytest.mark.parametrize("url", ["http://a:1", "http://a:1/", "http://a:1/v1", "http://a:1/v1/"])
def test_addresses_are_taken_with_a_slash_or_v1_behind(url: str) -> None:
    assert check_url(url) == "http://a:1"


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
