"""One sentence for each way in which a server can fail, and the error class that says whether to ask again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from eval.errors import EngineError, EngineOverloaded, EngineRejected, EngineUnreachable
from tests.collect import servers
from tests.collect.asks import ask
from tests.collect.servers import Tgi, tgi
from tests.support import free_port

FAILURES: list[tuple[Any, type[EngineError], int | None, str]] = [
    (web.Response(status=500, text="boom"), EngineError, 500, "failed (500): 'boom'"),
    (web.Response(status=503), EngineError, 503, "failed (503): an empty body"),
    (web.Response(status=502, text="<html><h1>Bad Gateway"), EngineError, 502, "failed (502): a web page"),
    (web.Response(text="garbage"), EngineError, 200, "answered 'garbage'"),
    (web.Response(text="<!DOCTYPE html><p>Log in"), EngineError, 200, "answered a web page; expected a completion"),
    (web.Response(), EngineError, 200, "answered an empty body"),
    (web.Response(body=b"\xff\x00" * 200), EngineError, 200, "answered 400 bytes that are not text;"),
    (web.json_response({"error": "odd"}), EngineError, 200, "expected a completion"),
    (web.json_response([]), EngineError, 200, "expected a completion"),
    (web.json_response(servers.completion("m", "x") | {"choices": []}), EngineError, 200, "without a text"),
    (web.Response(status=401), EngineError, 401, "refuses access (401): set BLINDSIDE_API_KEY to a valid key"),
    (web.Response(status=404), EngineError, 404, "has no chat completions (404): give the address of a TGI or"),
    (
        web.json_response({"error": "Model is overloaded", "error_type": "overloaded"}, status=429),
        EngineOverloaded,
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
    with pytest.raises(EngineUnreachable, match=rf"cannot connect to {url} \(.*refused.*\): is the server running\?"):
        await ask(url)


async def test_a_name_that_nobody_has() -> None:
    with pytest.raises(EngineUnreachable, match=r"cannot connect to http://no-such-host\.invalid:80"):
        await ask("http://no-such-host.invalid:80")


async def test_https_where_only_http_is_spoken() -> None:
    with tgi(Tgi()) as server, pytest.raises(EngineUnreachable, match=r"no secure connection to https://.*: check its"):
        await ask(server.url.replace("http:", "https:"))


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
        (
            web.Response(status=404),
            "/v1/models answered '404: Not Found' with status 404; give the address of a server",
        ),
        (web.json_response({"model_id": "m"}), "speaks neither Text Generation Inference's protocol nor OpenAI's"),
        (web.Response(status=500), "failed (500): an empty body"),
        (web.Response(status=401), "refuses access (401)"),
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


@pytest.mark.parametrize(
    ("header", "low", "high"), [("7", 7, 7), ("-3", 0, 0), ("a date", 300, 500), ("soon", None, None)]
)
async def test_retry_after_is_read(header: str, low: float | None, high: float | None) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=500), usegmt=True)
    sent = date if header == "a date" else header
    busy = servers.always(lambda: web.Response(status=429, headers={"Retry-After": sent}))
    with tgi(Tgi(trouble=busy)) as server, pytest.raises(EngineOverloaded) as caught:
        await ask(server.url)
    after = caught.value.retry_after
    assert after == low if low is None or high is None else after is not None and low <= after <= high
