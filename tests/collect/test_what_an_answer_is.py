"""Thinking, refusals, tool calls, filters and cuts, told apart from answers, whichever server writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blindside.thinking import split_thinking
from eval.collect.engines.completion import completion_of
from eval.collect.engines.protocol import Completion
from eval.errors import EngineError, EngineRejected
from eval.records import Pair, Response, ending_of, sha256_text
from tests.collect.openai_servers import OpenAi, openai
from tests.collect.runs import gather, new_run
from tests.judge.rendered import answer_html

THOUGHTS = [
    ("<think>\nHm.\n</think>\n\nBlue.", "Hm.", "Blue."),
    ("\n<think>Hm.</think>Blue.", "Hm.", "Blue."),
    ("<thinking>Hm.</thinking>Blue.", "Hm.", "Blue."),
    ("<THINK>Hm.</THINK>Blue.", "Hm.", "Blue."),
    ("<reasoning>Hm.</reasoning>\nBlue.", "Hm.", "Blue."),
    ("[THINK]Hm.[/THINK]Blue.", "Hm.", "Blue."),
    ("Hm.\n</think>\n\nBlue.", "Hm.", "Blue."),
    ("<think></think>Blue.", "", "Blue."),
    ("<think>a</think><think>b</think>Blue.", "a\n\nb", "Blue."),
    ("<think>It continues and", "It continues and", ""),
    ("<think>", "", ""),
    ("<|begin_of_thought|>Hm.<|end_of_thought|><|begin_of_solution|>Blue.<|end_of_solution|>", "Hm.", "Blue."),
    ("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Blue.", "Hm.", "Blue."),
    ("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>B.<|return|>", "Hm.", "B."),
    ("<|channel|>final<|message|>Blue.", "", "Blue."),
    ("<|channel|>analysis<|message|>It continues", "It continues", ""),
    ("analysisHm.assistantfinalBlue.", "Hm.", "Blue."),
    ("Blue.", "", "Blue."),
    (" Blue.\n", "", " Blue.\n"),
    ("Write <think>so</think> around it.", "", "Write <think>so</think> around it."),
    ("I think <b>so</b>.", "", "I think <b>so</b>."),
    ("analysis of the final", "", "analysis of the final"),
]


@pytest.mark.parametrize(("text", "thinking", "answer"), THOUGHTS, ids=[text[:40] for text, _, _ in THOUGHTS])
def test_thinking_is_taken_apart(text: str, thinking: str, answer: str) -> None:
    assert split_thinking(text) == (thinking, answer)


def read(finish: str | None = "stop", **message: Any) -> Completion:
    return completion_of("http://m", message, finish, prompt_tokens=1, completion_tokens=9, latency=0.1)


@pytest.mark.parametrize(
    ("message", "text", "thinking", "refused"),
    [
        ({"content": "Blue."}, "Blue.", "", False),
        ({"content": None}, "", "", False),
        ({"content": "Blue.", "reasoning_content": "Hm."}, "Blue.", "Hm.", False),
        ({"content": "Blue.", "reasoning": "Hm."}, "Blue.", "Hm.", False),
        ({"content": "Blue.", "reasoning": "Hm.", "reasoning_content": "Hm."}, "Blue.", "Hm.", False),
        ({"content": [{"type": "text", "text": "Bl"}, {"type": "text", "text": "ue."}]}, "Blue.", "", False),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"text": "Blue."}]},
            "Blue.", "Hm.", False,
        ),
        ({"content": None, "refusal": "I can't help with that."}, "I can't help with that.", "", True),
        ({"content": "Blue.", "refusal": None}, "Blue.", "", False),
        ({"content": "Blue.", "tool_calls": [{"id": "1"}]}, "Blue.", "", False),
        ({"content": "Blue.", "tool_calls": []}, "Blue.", "", False),
    ],
)  # fmt: skip
def test_what_a_message_says(message: dict[str, Any], text: str, thinking: str, refused: bool) -> None:
    found = read(**message)
    assert (found.text, found.thinking, found.refused) == (text, thinking, refused)


@pytest.mark.parametrize(
    ("finish", "message", "kind", "said"),
    [
        ("tool_calls", {"content": ""}, EngineRejected, "answered with a tool call"),
        ("stop", {"content": None, "tool_calls": [{"id": "1"}]}, EngineRejected, "answered with a tool call"),
        (
            "function_call",
            {"content": None, "function_call": {"name": "f"}},
            EngineRejected,
            "answered with a tool call",
        ),
        ("error", {"content": "par"}, EngineError, "aborted the answer"),
        ("length", {"content": "<think>Well"}, EngineRejected, r"thought for 9 tokens up to the limit .*--max-tokens"),
        (
            "length",
            {"content": None, "reasoning_content": "Well"},
            EngineRejected,
            "up to the limit and did not answer",
        ),
        ("stop", {"content": "<think>Well</think>"}, EngineRejected, "thought for 9 tokens and did not answer"),
    ],
)
def test_what_is_no_answer(finish: str, message: dict[str, Any], kind: type[EngineError], said: str) -> None:
    with pytest.raises(kind, match=said):
        read(finish, **message)


@pytest.mark.parametrize(
    ("reasons", "ending"),
    [
        (("stop", "eos", "eos_token", "end_turn", "stop_sequence", "unknown", "null", "STOP"), "complete"),
        (("length", "max_tokens", "model_length", "MAX_TOKENS", "max_output_tokens"), "cut"),
        (("content_filter", "safety", "SAFETY"), "filtered"),
        (("tool_calls", "function_call", "tool_use"), "tool call"),
        (("error", "abort"), "error"),
    ],
)
def test_how_an_answer_ended(reasons: tuple[str, ...], ending: str) -> None:
    assert {ending_of(reason) for reason in reasons} == {ending}


def response(text: str, finish: str = "stop") -> Response:
    given = {"prompt_id": "a", "side": "base", "messages": [{"role": "user", "content": "a"}], "answered_at": ""}
    return Response.model_validate({**given, "text": text, "finish_reason": finish, "sha256": sha256_text(text)})


def test_cut_and_filtered_are_told_apart() -> None:
    found = [response("x", reason) for reason in ("stop", "model_length", "content_filter")]
    assert [(one.truncated, one.filtered) for one in found] == [(False, False), (True, False), (False, True)]


def test_outer_white_space_makes_no_difference() -> None:
    base, tuned = response(" Paris.\n"), response("Paris.")
    assert Pair(prompt_id="a", messages=base.messages, category="", base=base, tuned=tuned).identical
    assert answer_html(" Paris.\n") == answer_html("Paris.")
    other = response("Paris!")
    assert not Pair(prompt_id="a", messages=base.messages, category="", base=base, tuned=other).identical


class Thinker(OpenAi):
    def say(self, text: str) -> str:
        return f"<think>\nThe user asks {text}\n</think>\n\nAnswer to {text}"


def test_a_collection_keeps_thinking_beside_the_answer(tmp_path: Path) -> None:
    with openai(Thinker("m")) as server:
        run = new_run(tmp_path, {"base": server.url, "tuned": server.url}, count=1)
        gather(run, {"base": server.url, "tuned": server.url})
    from eval.answers import read_answers

    for answer in read_answers(run.responses_path).responses.values():
        assert (answer.text, answer.thinking) == ("Answer to Question 0?", "The user asks Question 0?")
        assert answer.sha256 == sha256_text(answer.text)
