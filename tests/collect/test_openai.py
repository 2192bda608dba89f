"""OpenAI-compatible servers: found by asking, asked greedily, and understood however they answer or refuse."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from eval.answers import read_answers
from eval.collect.engines.connect import connect
from eval.errors import EngineError, EngineOverloaded, EngineRejected, EngineUnreachable, InputError
from eval.records import Message
from eval.run import open_run
from tests.collect import servers
from tests.collect.asks import HI, ask
from tests.collect.openai_servers import OpenAi, completion, openai
from tests.collect.runs import gather, new_run, urls_of
from tests.collect.servers import TEMPLATE_TOKENS, Tgi, tgi

VLLM = [{"id": "m", "owned_by": "vllm", "root": "/models/m", "parent": None, "max_model_len": 1024, "created": 17}]


async def test_a_request_is_greedy_and_says_its_length() -> None:
    turns = (Message(role="system", content="Be brief."), Message(role="user", content="hi"))
    with openai(OpenAi("org/m")) as server:
        answer = await ask(server.url + "/v1", turns, max_tokens=77)
    assert (answer.text, answer.finish_reason) == ("org/m answers: hi", "stop")
    assert (answer.prompt_tokens, answer.completion_tokens) == (2 + 1 + 2 * TEMPLATE_TOKENS, 8)
    assert answer.latency > 0
    assert server.bodies == [
        {
            "model": "org/m",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
            "temperature": 0.0,
            "frequency_penalty": 0.0,
            "max_tokens": 77,
            "seed": 0,
            "stream": False,
        }
    ]


async def test_requests_share_connections() -> None:
    with openai(OpenAi(delay=0.01)) as server:
        async with connect(server.url, connections=4) as engine:
            for _ in range(5):
                await asyncio.gather(*(engine.chat(HI, 8) for _ in range(4)))
    assert server.asked["hi"] == 20
    assert len(server.connections) <= 4


@pytest.mark.parametrize(
    ("owner", "others", "name", "plain"),
    [
        ("vllm", {"/version": {"version": "0.11.0"}}, "vLLM 0.11.0", {"repetition_penalty": 1.0}),
        ("sglang", {"/get_server_info": {"version": "0.5.2"}}, "SGLang 0.5.2", {"repetition_penalty": 1.0}),
        ("llamacpp", {"/props": {"build_info": "b8681"}}, "llama.cpp b8681", {"cache_prompt": False}),
        ("vllm", {"/version": ["odd"]}, "vLLM", {"repetition_penalty": 1.0}),
        ("vllm", {}, "vLLM", {"repetition_penalty": 1.0}),
        ("org", {}, "OpenAI-compatible server", {}),
    ],
)
async def test_software_that_is_known_is_named_and_kept_greedy(
    owner: str, others: dict[str, Any], name: str, plain: dict[str, Any]
) -> None:
    with openai(OpenAi(cards=[{"id": "m", "owned_by": owner}], others=others)) as server:
        async with connect(server.url) as engine:
            await engine.chat(HI, 8)
    assert engine.info.name == name
    [body] = server.bodies
    assert plain.items() <= body.items()
    assert ("repetition_penalty" in body) == ("repetition_penalty" in plain)


async def test_what_is_served_is_kept_for_run_json_without_what_changes_at_each_call() -> None:
    with openai(OpenAi(cards=VLLM, others={"/version": {"version": "0.11.0"}})) as server:
        async with connect(server.url) as engine:
            info = engine.info
    assert (info.model_id, info.revision, info.max_concurrent) == ("m", None, None)
    assert info.served == {
        "model_id": "m",
        "version": "0.11.0",
        "owned_by": "vllm",
        "root": "/models/m",
        "parent": None,
        "max_model_len": 1024,
    }


async def test_a_name_that_ends_in_a_commit_pins_the_model() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    with openai(OpenAi(f"org/m@{commit}")) as server:
        async with connect(server.url) as engine:
            assert engine.info.revision == commit


async def test_of_several_models_the_one_behind_the_address_is_asked() -> None:
    with openai(OpenAi(cards=[{"id": "org/a"}, {"id": "org/b"}])) as server:
        with pytest.raises(InputError) as caught:
            await ask(server.url)
        assert str(caught.value) == (
            f"{server.url} serves 2 models (org/a, org/b): append the right name to the address, "
            f"as in {server.url}#org/a"
        )
        await ask(server.url + "#org/b")
    assert [body["model"] for body in server.bodies] == ["org/b"]


async def test_a_server_that_lists_nothing_must_answer_as_the_model_that_is_named() -> None:
    with openai(OpenAi(cards=[], answers_as="models/tiny@main")) as server:
        with pytest.raises(InputError, match=r"lists no model: append the right name .* as in http://.*#name"):
            await ask(server.url)
        assert (await ask(server.url + "#models/tiny")).text
        with pytest.raises(EngineRejected, match="does not serve other: it answers as models/tiny@main"):
            await ask(server.url + "#other")


async def test_a_model_that_the_server_does_not_serve_is_told_at_once() -> None:
    error = {"error": {"message": "The model `other` does not exist.", "type": "NotFoundError", "code": 404}}
    refuse = servers.always(lambda: web.json_response(error, status=404))
    with (
        openai(OpenAi("m", probe_trouble=refuse)) as server,
        pytest.raises(EngineError, match=r"has no chat completions \(404, The model `other` does not exist\.\)"),
    ):
        await ask(server.url + "#other")


async def test_a_tgi_is_never_taken_for_another_model_than_was_named() -> None:
    with tgi(Tgi("m")) as server:
        assert (await ask(server.url + "#m")).text == "m answers: hi"
        with pytest.raises(InputError, match="serves m, not other: is the address right"):
            await ask(server.url + "#other")


@pytest.mark.parametrize(
    ("words", "asked", "given", "counted"),
    [(10, 512, 512, 0), (500, 512, 512, 1), (700, 512, 1024 - 700 - TEMPLATE_TOKENS, 1)],
)
async def test_a_long_prompt_gets_what_room_the_context_has(words: int, asked: int, given: int, counted: int) -> None:
    with openai(OpenAi(cards=VLLM)) as server:
        await ask(server.url, (Message(role="user", content="word " * words),), max_tokens=asked)
    assert [body["max_tokens"] for body in server.bodies] == [given]
    assert len(server.probes) == 1 + counted


async def test_a_prompt_that_leaves_no_room_is_refused_before_it_is_sent() -> None:
    with (
        openai(OpenAi(cards=VLLM)) as server,
        pytest.raises(EngineRejected, match=r"the prompt has 2009 tokens, and http://.* takes 1023 at most"),
    ):
        await ask(server.url, (Message(role="user", content="word " * 2000),))
    assert not server.bodies


async def test_where_no_limit_is_told_the_server_decides() -> None:
    with openai(OpenAi()) as server:
        await ask(server.url, (Message(role="user", content="word " * 2000),))
    assert ([body["max_tokens"] for body in server.bodies], len(server.probes)) == ([64], 1)


@pytest.mark.parametrize(
    ("body", "text", "finish_reason"),
    [
        (completion("m", None), "", "stop"),
        (completion("m", ""), "", "stop"),
        (completion("m", "Four.", reasoning="2 and 2", reasoning_content="2 and 2"), "Four.", "stop"),
        (completion("m", "cut", finish_reason="length"), "cut", "length"),
        (completion("m", "odd", finish_reason=None), "odd", "unknown"),
        (completion("m", "é\u2028\ud83d\ude00"), "é\u2028😀", "stop"),
        (completion("m", "x", tool_calls=[]), "x", "stop"),
        ({"choices": [{"message": {"content": "bare"}}]}, "bare", "unknown"),
        (completion("m", "x") | {"usage": None}, "x", "stop"),
        (completion("m", "x") | {"usage": {"prompt_tokens": "9"}}, "x", "stop"),
        (completion("m", "x") | {"update": 1, "items": {}, "choices_": []}, "x", "stop"),
    ],
)
async def test_answers_of_every_shape_are_read(body: dict[str, Any], text: str, finish_reason: str) -> None:
    with openai(OpenAi("m", trouble=servers.always(lambda: web.json_response(body)))) as server:
        answer = await ask(server.url)
    assert (answer.text, answer.finish_reason) == (text, finish_reason)
    assert answer.completion_tokens == (8 if body.get("usage", {}) and "total_tokens" in body["usage"] else None)


FAILURES: list[tuple[Any, type[EngineError], int | None, str]] = [
    (web.Response(status=500, text="Internal Server Error"), EngineError, 500, "failed (500): 'Internal Server Error'"),
    (
        web.json_response({"error": {"code": 503, "message": "Loading model"}}, status=503),
        EngineError,
        503,
        "failed (503): Loading model",
    ),
    (web.Response(status=502, text="<html><h1>Bad Gateway"), EngineError, 502, "failed (502): a web page"),
    (web.Response(text="garbage"), EngineError, 200, "answered 'garbage'"),
    (web.Response(body=b"\xff\x00" * 200), EngineError, 200, "answered 400 bytes that are not text;"),
    (web.Response(text="[" * 100_000), EngineError, 200, "expected a completion"),
    (web.json_response({"error": {"message": "odd"}}), EngineError, 200, "answered an error (odd); expected"),
    (web.json_response({"choices": ["x"]}), EngineError, 200, "expected a completion"),
    (web.json_response(completion("m", "x") | {"choices": []}), EngineError, 200, "without a text"),
    (web.json_response(completion("m", "par", finish_reason="abort")), EngineError, None, "aborted the answer"),
    (web.json_response(completion("m", None, tool_calls=[{}])), EngineRejected, None, "answered with a tool call"),
    (web.Response(status=401), EngineError, 401, "refuses access (401): set BLINDSIDE_API_KEY to a valid key"),
    (web.Response(status=404), EngineError, 404, "has no chat completions (404): give the address of a TGI or OpenAI-"),
    (web.Response(status=429, headers={"Retry-After": "7"}), EngineOverloaded, 429, "is overloaded (429): an empty"),
    (
        web.json_response({"object": "error", "message": "maximum context length is 9", "code": 400}, status=400),
        EngineRejected,
        400,
        "refused the request (400): maximum context length is 9",
    ),
    (
        web.json_response({"detail": "Unexpected fields in the request: {'odd'}"}, status=422),
        EngineRejected,
        422,
        "refused the request (422): Unexpected fields in the request: {'odd'}",
    ),
    (web.json_response({"error": "no\nsuch  thing"}, status=400), EngineRejected, 400, "(400): no such thing"),
    (web.json_response(["odd"], status=400), EngineRejected, 400, "(400): '[\"odd\"]'"),
]


@pytest.mark.parametrize(("response", "kind", "status", "said"), FAILURES)
async def test_each_bad_answer_is_one_sentence(
    response: web.Response, kind: type[EngineError], status: int | None, said: str
) -> None:
    with openai(OpenAi(trouble=servers.always(lambda: response))) as server, pytest.raises(EngineError) as caught:
        await ask(server.url)
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert str(caught.value).startswith(server.url)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    if isinstance(caught.value, EngineOverloaded):
        assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (servers.hang, "gave no answer within 0.3 s"),
        (servers.close_midway, "broke before the answer was complete"),
        (servers.hang_up, "broke before the answer was complete"),
    ],
)
async def test_a_connection_that_fails_is_one_sentence(trouble: servers.Trouble, said: str) -> None:
    with openai(OpenAi(trouble=trouble)) as server, pytest.raises(EngineUnreachable, match=said):
        await ask(server.url, seconds=0.3)


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (web.Response(status=404), "/v1/models answered an empty body with status 404; give the address of a server"),
        (web.Response(text="<html>Welcome to nginx!"), "/v1/models answered a web page with status 200"),
        (web.json_response({"odd": []}), "speaks neither Text Generation Inference's protocol nor OpenAI's"),
        (web.Response(status=503), "failed (503): an empty body"),
        (web.Response(status=401), "refuses access (401)"),
    ],
)
async def test_what_speaks_neither_protocol_is_told_at_once(models: web.Response, said: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return models

    app = web.Application()
    app.router.add_get("/v1/models", answer)
    with servers.serving(app) as url, pytest.raises(EngineError) as caught:
        await ask(url)
    assert said in str(caught.value)


async def test_our_key_goes_along_and_no_token_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    async def note(request: web.Request, text: str, nth: int) -> None:
        seen.append(request.headers.get("Authorization"))

    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with openai(OpenAi(trouble=note)) as server:
        await ask(server.url)
        monkeypatch.setenv("BLINDSIDE_API_KEY", "sesame")
        await ask(server.url)
    assert seen == [None, "Bearer sesame"]


def test_a_collection_is_resumed_and_retried_as_from_a_tgi(tmp_path: Path) -> None:
    trouble = servers.at_first(1, lambda: web.Response(status=503))
    with openai(OpenAi("base", trouble=trouble)) as base, openai(OpenAi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=20)
        summary, said = gather(run, urls_of(base, tuned))
        lines = run.responses_path.read_bytes().splitlines(keepends=True)
        run.responses_path.write_bytes(b"".join(lines[:30]))
        again, _ = gather(run, urls_of(base, tuned))
    assert (summary.answered, summary.failed, again.already, again.answered) == (40, 0, 30, 10)
    again_and_again = [line for line in said if line.endswith("; trying again")]
    assert ["(10 times so far)" in line for line in again_and_again] == [False, True]
    for (prompt_id, side), row in read_answers(run.responses_path).responses.items():
        assert row.text == f"{side} answers: Question {prompt_id[1:]}?"
    info = open_run(tmp_path / "reports", "first").info
    assert info.engine == "OpenAI-compatible server"
    assert (info.models["tuned"].name, info.models["tuned"].url) == ("tuned", tuned.url)
