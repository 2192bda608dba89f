"""Pairs from two real servers: a small model answers, a stronger one corrects, and what is no correction is counted."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from eval.collect.model_tasks.synthesize import Synthesized, SynthesizeOptions, read_correction, synthesize
from eval.collect.refusals import refuses
from eval.errors import EngineError, InputError, RunError
from eval.records import Message, Prompt
from tests.collect.openai_servers import OpenAi, openai
from tests.collect.runs import FAST
from tests.collect.servers import Tgi, tgi
from train.pairs.pair import Pair
from train.pairs.source import read_pairs


@dataclass
class Small(Tgi):
    """Rambles; says nothing at all where it is asked for silence."""

    def say(self, text: str) -> str:
        return "" if "silence" in text else f"well the answer to it is that {text}"


@dataclass
class Strong(OpenAi):
    """Corrects as the question's words say."""

    def say(self, text: str) -> str:
        if "refuse" in text:
            return "I'm sorry, but I can't help with that."
        if "German" in text:
            return "Das ist die Antwort und sie ist nicht auf Englisch."
        if "repeat" in text:
            return text.split("[answer to improve]\n")[1]
        return "This is the answer that it should have been."


def prompts(*questions: str) -> list[Prompt]:
    return [Prompt(id=f"p{n}", messages=(Message(role="user", content=q),)) for n, q in enumerate(questions)]


QUESTIONS = (
    "What is it?",
    "please refuse it",
    "say it in German",
    "please repeat it",
    "the silence of it",
    "And that?",
)


def made(folder: Path, small: Tgi, strong: Tgi, *asked: str, **options: Any) -> tuple[Synthesized, list[str]]:
    said: list[str] = []
    how = SynthesizeOptions(asking=FAST, **options)
    done = synthesize(
        prompts(*(asked or QUESTIONS)), small.url, strong.url, folder / "pairs.jsonl",
        work=folder / "work", options=how, say=said.append,
    )  # fmt: skip
    return done, said


def test_corrections_become_pairs_and_what_is_none_is_counted(tmp_path: Path) -> None:
    with tgi(Small(name="small")) as small, openai(Strong(name="strong")) as strong:
        done, said = made(tmp_path, small, strong)
    pairs = [row for row in read_pairs(tmp_path / "pairs.jsonl") if isinstance(row, Pair)]
    assert [(pair.id, pair.chosen, pair.rejected) for pair in pairs] == [
        ("p0", "This is the answer that it should have been.", "well the answer to it is that What is it?"),
        ("p5", "This is the answer that it should have been.", "well the answer to it is that And that?"),
    ]
    assert dict(done.tally.excluded) == {
        "the correction is a refusal": 1, "the correction changes the language": 1, "the correction changes nothing": 1,
        "the answer is empty": 1,
    }  # fmt: skip
    assert done.tally.read == 6
    body = strong.bodies[0]["messages"][0]["content"]
    assert "[user]\nWhat is it?" in body
    assert body.rstrip().endswith("[answer to improve]\nwell the answer to it is that What is it?")
    assert pairs[0].source is not None
    assert pairs[0].source["kind"] == "synthesis"
    assert any(line.startswith("the stronger model used ") for line in said)


def test_a_broken_run_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    with tgi(Small(name="small")) as small, openai(Strong(name="strong")) as strong:
        whole, _ = made(tmp_path, small, strong)
        first = (tmp_path / "pairs.jsonl").read_bytes()
        for name in ("answers.jsonl", "corrections.jsonl"):
            path = tmp_path / "work" / name
            path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]) + b'{"kind": "resp')
        asked = len(small.bodies), len(strong.bodies)
        again, _ = made(tmp_path, small, strong)
        assert (len(small.bodies) - asked[0], len(strong.bodies) - asked[1]) == (4, 3)
        assert (tmp_path / "pairs.jsonl").read_bytes() == first
        assert again.tokens == whole.tokens
        made(tmp_path, small, strong)
        assert (len(small.bodies) - asked[0], len(strong.bodies) - asked[1]) == (4, 3)
    with (
        tgi(Small(name="small")) as small,
        openai(Strong(name="another")) as other,
        pytest.raises(RunError, match="holds replies of strong, not of another: give another work folder"),
    ):
        made(tmp_path, small, other, "A new one?")


def test_the_budget_ends_the_asking_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    questions = [f"What is number {n}?" for n in range(12)]
    with tgi(Small(name="small")) as small, openai(Strong(name="strong")) as strong:
        done, said = made(tmp_path, small, strong, *questions, budget=200)
        begun = len(strong.bodies)
        assert done.tokens >= 200
        assert begun < 12
        assert dict(done.tally.excluded) == {"the token budget was used up": 12 - begun}
        assert any("the budget of 200 tokens is used up" in line for line in said)
        done, _ = made(tmp_path, small, strong, *questions)
        assert (done.tally.written, len(strong.bodies)) == (12, 12)


def test_no_more_is_in_flight_than_was_asked_for(tmp_path: Path) -> None:
    questions = [f"What is number {n}?" for n in range(20)]
    with tgi(Small(name="small", delay=0.02)) as small, openai(Strong(name="strong", delay=0.02)) as strong:
        how = SynthesizeOptions(asking=replace(FAST, concurrency=3))
        out = tmp_path / "pairs.jsonl"
        synthesize(
            prompts(*questions), small.url, strong.url, out, work=tmp_path / "w", options=how, say=lambda line: None
        )
        assert (small.most_in_flight, strong.most_in_flight) == (3, 3)


def test_a_correction_that_fails_or_is_cut_is_counted(tmp_path: Path) -> None:
    async def refuse_one(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return web.json_response({"error": "no"}, status=422) if "And that?" in text else None

    class Cut(Strong):
        def completion(self, body: dict[str, Any]) -> dict[str, Any]:
            whole = super().completion(body)
            if "long one" in body["messages"][-1]["content"]:
                whole["choices"][0]["finish_reason"] = "length"
            return whole

    with tgi(Small(name="small")) as small, openai(Cut(name="strong", trouble=refuse_one)) as strong:
        done, _ = made(tmp_path, small, strong, "What is it?", "And that?", "a long one")
    assert dict(done.tally.excluded) == {"no correction came": 1, "the correction was cut at the token limit": 1}


class ThinkingStrong(Strong):
    """Thinks for thirty words before it corrects, and longer where it is asked to."""

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        whole = super().completion(body)
        wanted = 9000 if "hard one" in body["messages"][-1]["content"] else 30
        choice = whole["choices"][0]
        if body["max_tokens"] < wanted:
            choice["message"]["content"], choice["finish_reason"] = "<think>Well,", "length"
        else:
            choice["message"]["content"] = "<think>Well, what is wrong?</think>\n\n" + choice["message"]["content"]
            whole["usage"]["completion_tokens"] = wanted + 8
        return whole


def test_a_corrector_that_thinks_has_room_and_its_thinking_is_never_chosen(tmp_path: Path) -> None:
    with tgi(Small(name="small")) as small, openai(ThinkingStrong(name="strong")) as strong:
        done, said = made(tmp_path, small, strong, "What is it?", "the hard one", max_tokens=20)
    (pair,) = [row for row in read_pairs(tmp_path / "pairs.jsonl") if isinstance(row, Pair)]
    assert pair.chosen == "This is the answer that it should have been."
    assert dict(done.tally.excluded) == {"no correction came": 1}
    assert any("thought for" in line and "up to the limit" in line for line in said)


def test_a_correction_longer_than_the_answers_may_be_is_none(tmp_path: Path) -> None:
    class Wordy(Strong):
        def completion(self, body: dict[str, Any]) -> dict[str, Any]:
            whole = super().completion(body)
            whole["usage"]["completion_tokens"] = 21 if "And that?" in body["messages"][-1]["content"] else 20
            return whole

    with tgi(Small(name="small")) as small, openai(Wordy(name="strong")) as strong:
        done, _ = made(tmp_path, small, strong, "What is it?", "And that?", max_tokens=20)
    assert dict(done.tally.excluded) == {"the correction is longer than --max-tokens": 1}


def test_errors_name_the_remedy(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("Improve: {answer}")
    with pytest.raises(InputError, match=r"own\.txt: has no \{conversation\}: put it where the text belongs"):
        read_correction(own)
    with pytest.raises(InputError, match="can't be read"):
        read_correction(tmp_path / "none.txt")
    with tgi(Small(name="small")) as small, openai(Strong(name="strong")) as strong:
        with pytest.raises(RunError, match=r"gives no pair \(1 the correction is a refusal\)"):
            made(tmp_path, small, strong, "please refuse it")
        strong.url = "http://127.0.0.1:9"
        with pytest.raises(EngineError):
            made(tmp_path, small, strong, "What is it?")
    assert (
        json.loads((tmp_path / "work" / "answers.jsonl").read_text(encoding="utf-8").splitlines()[0])["side"] == "base"
    )


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("I'm sorry, but I can't.", True), ("As an AI language model, I can't", True), ("**I cannot** do it", True),
        ("Es tut mir leid, aber", True), ("抱歉，我不能", True),
        ("Sorrow is a feeling.", False), ("I can do it.", False),
    ],
)  # fmt: skip
def test_refusals_are_known_by_how_they_begin(text: str, refusal: bool) -> None:
    assert refuses(text) == refusal
