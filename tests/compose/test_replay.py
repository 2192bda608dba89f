"""The embedded engine answers as a real TGI 3.3.7 did, in every recorded exchange of the part of TGI that it has.

Outside that part it refuses: a route is not found, and a field that would change the answer is named in a 422.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from compose.embedded.requests import NOT_HERE
from tests.compose.replay import DATA, Exchange, differences, exchanges, send

pytestmark = pytest.mark.train

# A launch, a group of one, or one exchange, and why its answers are not ours. docs/engine.md explains them.
UNLIKE = {
    "launch bf16": "bfloat16: TGI rounds log-probabilities too, and its kernels round elsewhere",
    "launch defaults": "bfloat16, as above",
    "launch main-shard-killed": "the death of TGI's shard; we are one process, and its death is the stack's matter",
    "group nonflash-batch": "TGI's other code path fails every batch of more than one; ours does not",
    "nonflash-info-001": "that path takes 4096 tokens by default, more than the model's 1024 positions",
    "nonflash-info-056": "as above",
    "plaincpu-info-001": "as above",
    "nonflash-generate-023": "that path ends at the tokenizer's eos token only; we follow the flash path",
    "nonflash-generate-024": "as above",
    "nonflash-generate-025": "as above",
    "nonflash-generate-026": "as above",
    "info-118": "the numbers of /metrics",
    "info-121": "no CORS: a page in a browser has no business with a server on loopback",
    "errors-035": "parameters as a list, in the order of the fields: refused",
    "errors-040": "two fields of one name: the last one counts",
    "limits-015": "max_tokens and max_completion_tokens: the first one counts",
    "chatfields-076": "logit_bias, which TGI reads and ignores, is ignored in any form",
    "chatfields-078": "an empty list of tools is no tool; TGI generates twice, and its usage counts the first",
}
GETS = {"/health", "/info", "/v1/models", "/metrics"}
ROUTES = GETS | {"/generate", "/v1/chat/completions", "/tokenize", "/chat_tokenize"}

# Those profiles differ in nothing that is ours: the server of `main` answers for them.
SAME_SERVER = {"main2": "main", "prefixcache": "main", "nonflash": "main", "plaincpu": "main"}
PROFILES = json.loads((DATA / "launch.json").read_text(encoding="utf-8"))["profiles"]


def fields(exchange: Exchange) -> set[str]:
    """The fields of a request that the engine does not have, set to what would change the answer."""
    body = exchange.request["body"]
    if not isinstance(body, dict):
        return set()
    given = [one for one in (body, body.get("parameters")) if isinstance(one, dict)]
    return {name for one in given for name, value in one.items() if name in NOT_HERE and value not in NOT_HERE[name]}


def has_picture_or_call(exchange: Exchange) -> bool:
    return bool(re.search(r'"(image_url|tool_calls)"', json.dumps(exchange.request["body"])))


EVERYTHING = exchanges() + exchanges("batch_exchanges.jsonl")
#: The part of TGI that the engine has. An API key is none of it: it listens on loopback.
ALL = [
    one
    for one in EVERYTHING
    if one.request["path"] in ROUTES and one.launch != "apikey" and not fields(one) and not has_picture_or_call(one)
]


def drawn(exchange: Exchange) -> bool:
    """Whether the answer was sampled with a seed that TGI drew itself: nobody can give it again.

    Answers sampled with a seed from the request are not among these; they are equal to the last digit.
    """
    body = exchange.request["body"]
    if exchange.response["status"] != 200 or not isinstance(body, dict) or exchange.group.endswith("tokenize"):
        return False
    if "inputs" in body:
        given = body.get("parameters", {"do_sample": True})
        given = {} if isinstance(given, list) else given
        samples = given.get("do_sample") or any(given.get(k) for k in ("temperature", "top_k", "top_p"))
    else:
        given = body
        samples = body.get("temperature") is None or body["temperature"] > 1e-6 or body.get("top_p") is not None
    return bool(samples) and given.get("seed") is None


def unlike(exchange: Exchange) -> bool:
    keys = (f"launch {exchange.launch}", f"group {exchange.group}", exchange.id)
    return any(key in UNLIKE for key in keys)


def like(launch: str) -> list[Exchange]:
    return [one for one in ALL if one.launch == launch and not unlike(one) and not drawn(one)]


GROUPS = sorted(
    {(one.launch, one.group) for one in ALL if not unlike(one) and one.group not in ("batch", "overload")},
    key=lambda key: (list(PROFILES).index(key[0]), key[1]),
)


@pytest.mark.parametrize(("launch", "group"), GROUPS, ids=["-".join(key) for key in GROUPS])
def test_a_group_of_exchanges_is_answered_as_by_tgi(urls: dict[str, str], launch: str, group: str) -> None:
    url = urls[SAME_SERVER.get(launch, launch)]
    asked = [one for one in like(launch) if one.group == group]
    wrong = {one.id: found for one in asked if (found := differences(one, send(url, one)))}
    assert wrong == {}


@pytest.mark.parametrize("how", ["one-by-one", "32-parallel"])
def test_batches_are_answered_as_by_tgi(urls: dict[str, str], how: str) -> None:
    url = urls["main"]
    asked = [one for one in like("main") if one.group == "batch" and one.note == how]
    assert len(asked) == 80
    with ThreadPoolExecutor(32 if how == "32-parallel" else 1) as pool:
        answers = list(pool.map(lambda one: send(url, one), asked))
    wrong = {one.id: found for one, answer in zip(asked, answers, strict=True) if (found := differences(one, answer))}
    assert wrong == {}


def test_a_crowd_is_answered_or_refused_as_by_tgi(urls: dict[str, str]) -> None:
    """200 at once with room for 8: each answer is one that TGI gave to that request, whole or refused."""
    url = urls["mcr8"]
    asked = [
        one for one in like("mcr8") if "200 parallel" in one.note and 'temperature": 2' not in json.dumps(one.request)
    ]
    crowd = asked * (200 // len(asked))
    with ThreadPoolExecutor(len(crowd)) as pool:
        answers = list(pool.map(lambda one: send(url, one), crowd))
    for one, answer in zip(crowd, answers, strict=True):
        allowed = [other for other in asked if other.request == one.request]
        gaps = [differences(other, answer) for other in allowed]
        assert [] in gaps, (one.id, gaps)
    assert {200, 429} == {answer["status"] for answer in answers}
    after = [one for one in like("mcr8") if "200 parallel" not in one.note]
    assert {one.id: found for one in after if (found := differences(one, send(url, one)))} == {}


def test_what_is_drawn_by_chance_has_the_form_of_tgis(urls: dict[str, str]) -> None:
    asked = [one for one in ALL if one.launch == "main" and drawn(one) and not unlike(one)]
    assert len(asked) > 10
    for one in asked:
        answer = send(urls["main"], one)
        assert answer["status"] == 200, one.id
        assert shape(answer["body"]) == shape(one.response["body"]), one.id


def shape(body: Any) -> Any:
    """The keys and the types of a body; of a list, those of its first element."""
    if isinstance(body, dict):
        return {key: shape(value) for key, value in body.items() if key != "finish_reason"}
    return [shape(one) for one in body[:1]] if isinstance(body, list) else type(body).__name__


OUTSIDE = [one for one in EVERYTHING if one.launch.startswith("main") and one not in ALL]


def test_a_route_that_is_not_here_is_not_found(urls: dict[str, str]) -> None:
    asked = [one for one in OUTSIDE if one.request["path"] not in ROUTES]
    assert {"/generate_stream", "/v1/completions", "/invocations", "/", "/vertex"} <= {o.request["path"] for o in asked}
    assert {one.id: send(urls["main"], one)["status"] for one in asked} == {one.id: 404 for one in asked}


def test_a_field_that_is_not_here_is_refused_by_name_and_never_ignored(urls: dict[str, str]) -> None:
    asked = [one for one in OUTSIDE if one.request["path"] in ROUTES - {"/tokenize"} and fields(one)]
    assert set(NOT_HERE) <= {name for one in asked for name in fields(one)} | {"adapter_id", "grammar"}
    for one in asked:
        answer = send(urls["main"], one)
        assert answer["status"] == 422, one.id
        if one.response["status"] == 200:
            assert answer["body"]["error_type"] == "validation", one.id
            assert any(f"`{name}`" in answer["body"]["error"] for name in fields(one)), one.id


def test_the_list_of_what_is_unlike_names_only_what_was_recorded() -> None:
    known = {one.id for one in ALL} | {f"launch {one.launch}" for one in ALL} | {f"group {one.group}" for one in ALL}
    assert set(UNLIKE) <= known
