"""The first contact is as patient as the run, and takes addresses, lists and refusals as servers have them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from eval.answers import read_answers
from eval.collect.engines.addresses import read_address
from eval.collect.engines.network import is_this_machine, proxy_for
from eval.collect.new_run import start_collected_run
from eval.collect.prompts.prompt_set import load_prompts
from eval.errors import EngineError, EngineUnreachable, InputError
from eval.records import Side
from eval.run_info import Decoding
from tests.collect.asks import ask
from tests.collect.openai_servers import OpenAi, completion, openai
from tests.collect.runs import FAST, gather, new_run, prompt_file
from tests.collect.servers import serving

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CARD = {"id": "m", "object": "model"}


def app(chat: Handler, models: Any = ..., prefix: str = "/v1") -> web.Application:
    """A server whose list of models is `models`, none where that is None."""

    async def listed(request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": [CARD]} if models is ... else models)

    async def answered(request: web.Request) -> web.StreamResponse:
        return await chat(request)

    made = web.Application()
    if models is not None:
        made.router.add_get(f"{prefix}/models", listed)
    made.router.add_post(f"{prefix}/chat/completions", answered)
    return made


async def fine(request: web.Request) -> web.StreamResponse:
    return web.json_response(completion("m", "Fine."))


@dataclass
class First:
    """Goes wrong so often, then answers."""

    times: int
    how: Callable[[web.Request], web.StreamResponse]
    seen: int = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.seen += 1
        return self.how(request) if self.seen <= self.times else await fine(request)


def status(code: int, **headers: str) -> Callable[[web.Request], web.StreamResponse]:
    return lambda request: web.json_response({"error": {"message": "not now"}}, status=code, headers=headers)


def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@pytest.mark.parametrize(
    "how",
    [status(429, **{"Retry-After": "0"}), status(503, **{"Retry-After": "0"}), status(503), status(500), reset]
    + [status(code) for code in (408, 409, 425)],
    ids=["429", "503 with a wait", "503", "500", "reset", "408", "409", "425"],
)  # fmt: skip
def test_a_server_that_is_busy_at_first_is_waited_for(
    how: Callable[[web.Request], web.StreamResponse], tmp_path: Path
) -> None:
    first = First(2, how)
    with serving(app(first)) as url:
        urls: dict[Side, str] = {"base": url, "tuned": url}
        loaded = load_prompts(str(prompt_file(tmp_path, 1)))
        run = start_collected_run(
            tmp_path, "r", loaded=loaded, decoding=Decoding(max_tokens=9), urls=urls, opening=FAST.backoff
        )
        assert first.seen == 4, "twice in vain, and once for each side"
        first.seen = 0
        summary, _ = gather(run, urls)
    assert (summary.answered, summary.failed) == (2, 0)


def test_a_server_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9"
    with pytest.raises(EngineUnreachable, match="cannot connect to"):
        gather(new_run(tmp_path, {"base": url, "tuned": url}, count=1), {"base": url}, replace(FAST, first_wait=600))


@pytest.mark.parametrize(
    "models",
    [
        [CARD],
        {"data": ["m"]},
        {"models": [{"name": "m"}]},
        {"models": [{"model": "m"}]},
        ["m"],
        {"data": [CARD], "x": 1},
    ],
    ids=json.dumps,
)
async def test_lists_of_models_of_every_shape(models: Any) -> None:
    with serving(app(fine, models)) as url:
        assert (await ask(url)).text == "Fine."


@pytest.mark.parametrize("models", [None, {"data": None}, {"data": []}, {"models": None}], ids=json.dumps)
async def test_where_no_model_is_listed_the_address_names_it(models: Any) -> None:
    with serving(app(fine, models)) as url:
        with pytest.raises((EngineError, InputError)):
            await ask(url)
        assert (await ask(f"{url}#m")).text == "Fine."


@pytest.mark.parametrize(
    ("prefix", "behind"),
    [
        ("/v1", ""),
        ("/v1", "/v1"),
        ("/v1", "/v1/"),
        ("/v1", "/v1/chat/completions"),
        ("/base/path/v1", "/base/path"),
        ("/base/path/v1", "/base/path/v1/chat/completions"),
        ("/api", "/api/chat/completions"),
        ("/openai/deployments/m", "/openai/deployments/m/chat/completions?api-version=2024-02-01"),
    ],
)
async def test_addresses_as_people_copy_them(prefix: str, behind: str) -> None:
    seen: list[str] = []

    async def chat(request: web.Request) -> web.StreamResponse:
        seen.append(request.query_string)
        return await fine(request)

    with serving(app(chat, None if "deployments" in prefix else ..., prefix)) as url:
        assert (await ask(f" {url}{behind} ")).text == "Fine."
    assert set(seen) == {behind.partition("?")[2]}


async def test_azure_gets_its_key_as_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLINDSIDE_API_KEY", "sesame")

    async def chat(request: web.Request) -> web.StreamResponse:
        return await fine(request) if request.headers.get("api-key") == "sesame" else web.Response(status=401)

    with serving(app(chat, None, "/openai/deployments/m")) as url:
        assert (await ask(f"{url}/openai/deployments/m/chat/completions?api-version=1")).text == "Fine."


def test_the_deployment_is_the_model() -> None:
    place = read_address("https://x.example/openai/deployments/my%20model/chat/completions?api-version=1")
    assert (place.deployment, place.api, place.query) == ("my model", "", "api-version=1")


async def test_the_limit_is_called_as_the_server_asks_for_it() -> None:
    async def chat(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if "max_tokens" in body:
            said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return web.json_response({"error": {"message": said}}, status=400)
        return web.json_response(completion("m", f"At most {body['max_completion_tokens']}."))

    with serving(app(chat)) as url:
        assert (await ask(url, max_tokens=64)).text == "At most 64."


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_a_redirect_is_named_with_the_new_address(code: int) -> None:
    async def away(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={"Location": "https://new.example/v1/models?key=secret"})

    moved = web.Application()
    moved.router.add_route("*", "/{path:.*}", away)
    with serving(moved) as url, pytest.raises(EngineError, match=r"has moved .* https://new\.example") as caught:
        await ask(url)
    assert "secret" not in str(caught.value)


async def test_a_proxy_of_the_environment_is_used_for_other_hosts_and_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def proxy(request: web.Request) -> web.StreamResponse:
        asked.append(str(request.url))
        return await fine(request) if request.method == "POST" else web.json_response({"data": [CARD]})

    made = web.Application()
    made.router.add_route("*", "/{path:.*}", proxy)
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(made) as there, serving(app(fine)) as here:
        monkeypatch.setenv("http_proxy", there)
        assert (await ask("http://models.internal")).text == "Fine."
        assert {url.partition("/v1")[0] for url in asked} >= {"http://models.internal"}
        asked.clear()
        assert (await ask(here)).text == "Fine."
        assert not asked
        monkeypatch.setenv("no_proxy", "models.internal")
        with pytest.raises(EngineUnreachable, match=r"cannot connect to http://models\.internal"):
            await ask("http://models.internal")


def test_a_proxy_that_is_none_of_http_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", "socks5://ann:secret@127.0.0.1:9")
    with pytest.raises(EngineUnreachable, match=r"not an HTTP proxy: set HTTP_PROXY .* NO_PROXY") as caught:
        proxy_for("http://models.internal")
    assert "secret" not in str(caught.value)
    assert proxy_for("http://127.0.0.1:8080") is None
    assert [is_this_machine(host) for host in ("localhost", "127.1.2.3", "::1", "10.0.0.1", "models.internal")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_authorities_of_the_environment_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from eval.collect.engines.network import tls_context

    (tmp_path / "ca.pem").write_text("no certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with pytest.raises(InputError, match=r"REQUESTS_CA_BUNDLE names .* cannot be read"):
        tls_context()


@pytest.mark.parametrize("code", [400, 403, 404, 413, 422])
@pytest.mark.parametrize("place", [0, 3])
def test_one_prompts_refusal_is_that_prompts(code: int, place: int, tmp_path: Path) -> None:
    async def moderated(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        told = {"error": {"code": code, "message": "Your input was flagged"}}
        return web.json_response(told, status=code) if text == f"Question {place}?" else None

    with openai(OpenAi("m", trouble=moderated)) as server:
        urls: dict[Side, str] = {"base": server.url, "tuned": server.url}
        run = new_run(tmp_path, urls, count=6)
        summary, _ = gather(run, urls, replace(FAST, concurrency=1))
        assert (summary.answered, summary.failed) == (10, 2)
        failures = read_answers(run.responses_path).failures.values()
        assert all(failure.status == code and "Your input was flagged" in failure.error for failure in failures)
        again, said = gather(run, urls)
        assert again.asked == 0
        assert said[0] == "2 prompts were refused by a server and are skipped: --retry-failed asks again"
        server.trouble = None
        last, _ = gather(run, urls, replace(FAST, retry_failed=True))
    assert (last.asked, last.answered) == (2, 2)
