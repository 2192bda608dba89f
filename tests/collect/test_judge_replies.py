"""Verdicts in the replies of judges that say one word, explain themselves, or think; and why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from eval.collect.model_tasks.model_judge import ask_model, opinion_of, verdict_in, why_none
from eval.records import Failure, Response
from tests.collect.openai_servers import OpenAi, completion, openai
from tests.collect.runs import FAST
from tests.collect.test_what_an_answer_is import response
from tests.judge.runs import make_run

VERDICTS = {
    "A": ("A", "a", " A.\n", "**A**", "[[A]]", "[A]", "(A)", "A: it is right.", "A is better because it is right.",
          "A\n\nIt is right.", "Answer A is better.", "A, because it is right.", "It is right.\n\nA", "Verdict: A",
          "Both are long.\n\n**Final verdict:** A", "The better answer is A.", "Thinking…\n\\boxed{A}",
          "My choice: **A**", "Reason: it is right. [[A]]", "A. It is right, and B is wrong."),
    "B": ("B", "b", "Answer: B", "The winner is: **B**", "B is clearly better.", "I compared them.\nB"),
    "TIE": ("TIE", "Tie.", "tie", "Verdict: TIE"),
    "BAD": ("BAD", "**BAD**", "Both fail.\nBAD"),
    "": ("", "I could not say.", "A good answer would be longer.", "A is wrong.", "Both A and B are fine.", "Bad luck.",
         "A\n\nNo, wait.\n\nB", "C", "AB", "The answer is 42.", "Tie a knot.", "B has a mistake", "Better: neither"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "text"), [(verdict, text) for verdict, texts in VERDICTS.items() for text in texts]
)
def test_a_verdict_is_found_where_it_stands_and_nowhere_else(verdict: str, text: str) -> None:
    assert verdict_in(text) == verdict


FAILED = Failure(prompt_id="a", side="base", error="it thought and did not answer", attempts=1, failed_at="")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (None, "no reply came"),
        (FAILED, "no reply came"),
        (response("It is", "length"), "cut at the limit of tokens before a verdict (--max-tokens)"),
        (response("It", "content_filter"), "ended by a content filter"),
        (response(" "), "an empty reply"),
        (response("A\nor\nB"), "two verdicts in one reply"),
        (response("Hm."), "no verdict in the reply"),
    ],
)
def test_why_there_is_none(reply: Response | Failure | None, reason: str) -> None:
    assert why_none(reply) == reason


def test_what_gave_no_verdict_is_counted_by_reason_and_shown() -> None:
    long = "I cannot say. " * 40
    assert list(opinion_of([response(long), response("Hm."), FAILED, None])) == [
        f"2 without a verdict: no verdict in the reply; the first: {long[:200]!r}",
        "2 without a verdict: no reply came; the first: 'it thought and did not answer'",
    ]


@dataclass
class Thinker(OpenAi):
    """Thinks for a hundred words before its verdict; where it may not say so many, it is cut."""

    def completion(self, body: dict[str, object]) -> dict[str, object]:
        if int(str(body["max_tokens"])) < 110:
            return completion(self.name, "<think>Well, on the one hand", finish_reason="length")
        return completion(self.name, f"<think>{'A or B? ' * 50}</think>\n\nIt is short.\n\nB")


def test_a_judge_that_thinks_has_room_and_is_read_after_its_thinking(tmp_path: Path) -> None:
    run, said = make_run(tmp_path, n=2), list[str]()
    with openai(Thinker("judge")) as server:
        verdicts = ask_model(run, server.url, options=FAST, max_tokens=16, say=said.append)
        assert [verdict.outcome for verdict in verdicts] == ["none", "none"]
        assert said[-1].startswith("4 without a verdict: no reply came; the first: 'http")
        assert "up to the limit" in said[-1]
        verdicts = ask_model(run, server.url, options=FAST, say=said.append)
    assert [(verdict.base_first, verdict.tuned_first) for verdict in verdicts] == [("tuned", "base")] * 2
