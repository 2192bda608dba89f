"""Answers that a real TGI 3.3.7 cut inside a character (tests/data/families/traits/torn.jsonl)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from eval.errors import EngineRejected
from eval.records import Message
from tests.collect.asks import ask
from tests.collect.servers import Tgi, tgi
from tests.train.families import FAMILIES

LINES = (FAMILIES / "traits" / "torn.jsonl").read_text(encoding="utf-8").splitlines()
#: What the real server answered, by question and max_tokens.
RECORDED: dict[tuple[str, int], dict[str, Any]] = {
    (sent["messages"][-1]["content"], sent["max_tokens"]): one["response"]["body"]
    for one in map(json.loads, LINES)
    if "max_tokens" in (sent := one["request"]["body"])
}
COUNT = (Message(role="user", content="Count to ten."),)
WAITING = (Message(role="user", content="Who was waiting?"),)


async def as_recorded(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
    """The recorded answer; the last one of the question where nobody asked for so many tokens."""
    most = (await request.json())["max_tokens"]
    known = [tokens for asked, tokens in RECORDED if asked == text]
    return web.json_response(RECORDED[(text, most if most in known else max(known))])


async def test_an_answer_without_its_text_is_asked_for_with_a_token_more() -> None:
    assert RECORDED[("Count to ten.", 5)]["choices"][0]["message"]["content"] == ""
    with tgi(Tgi(trouble=as_recorded)) as server:
        answer = await ask(server.url, COUNT, max_tokens=5)
    assert [body["max_tokens"] for body in server.bodies] == [5, 6]
    assert answer.text == RECORDED[("Count to ten.", 6)]["choices"][0]["message"]["content"] != ""
    assert (answer.finish_reason, answer.completion_tokens) == ("length", 6)


async def test_one_that_stays_without_text_is_no_empty_answer() -> None:
    with (
        tgi(Tgi(trouble=as_recorded)) as server,
        pytest.raises(EngineRejected, match=r"counts 3 tokens and gives no text, nor with 3 more.*--max-tokens"),
    ):
        await ask(server.url, WAITING, max_tokens=3)
    assert [body["max_tokens"] for body in server.bodies] == [3, 4, 5, 6]
