"""The embedded engine on exported folders answers as a real TGI 3.3.7 did on its own: tests/data/families."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.compose.replay import Exchange, differences, send
from tests.compose.servers import need_train, serve
from tests.train.families import FAMILIES, exchanges
from train.export.export import export

pytestmark = pytest.mark.train

#: Folder, and the longest text that is compared: Gemma 2's window is one token wider in TGI. Qwen 3's answers run past
#: the second token of its list of ends, as TGI's own.
SERVED = {"phi3": 512, "olmo2": 512, "gemma2": 16, "qwen3": 512}
GROUPS = ("chat_tokenize", "prompt_logprobs", "greedy")


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    need_train()
    folder = tmp_path_factory.mktemp("families")
    for family in SERVED:
        export(FAMILIES / family / "hf5", FAMILIES / family / "hf5", folder / family)
    lines = [["--model-id", family, "--enable-prefill-logprobs"] for family in SERVED]
    with serve(*lines, cwd=folder) as found:
        yield dict(zip(SERVED, found, strict=True))


def recorded(family: str) -> list[Exchange]:
    found = [one for group in GROUPS for one in exchanges(family, group, "exported")]
    kept = ("id", "launch", "group", "request", "response")
    return [Exchange(**{key: one[key] for key in kept}, note="") for one in found if length(one) <= SERVED[family]]


def length(one: dict[str, Any]) -> int:
    """Tokens of prompt and answer; a conversation that is only tokenized reaches no window."""
    body = one["response"]["body"]
    if one["group"] == "greedy":
        return int(body["usage"]["total_tokens"])
    return len(body["details"]["prefill"]) if "details" in body else 0


@pytest.mark.parametrize("family", SERVED)
def test_every_recorded_answer_is_given_again(family: str, urls: dict[str, str]) -> None:
    asked = recorded(family)
    assert {one.group for one in asked} >= {"chat_tokenize", "prompt_logprobs"}
    for one in asked:
        answer = send(urls[family], one)
        if isinstance(answer["body"], dict) and "model" in answer["body"]:
            answer["body"]["model"] = "FOLDER"
        assert differences(one, answer) == [], one.id


def test_an_answer_keeps_the_space_that_it_begins_with(urls: dict[str, str]) -> None:
    """Seen in the recordings of Phi 3, whose tokenizer drops it where the answer's tokens are decoded alone."""
    greedy = [one for one in recorded("phi3") if one.group == "greedy"]
    texts = {one.id: one.response["body"]["choices"][0]["message"]["content"] for one in greedy}
    spaced = [one for one in greedy if texts[one.id].startswith(" ")]
    assert spaced
    for one in spaced:
        assert send(urls["phi3"], one)["body"]["choices"][0]["message"]["content"] == texts[one.id]
