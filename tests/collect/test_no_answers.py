"""Imported answers: thinking apart, and errors that were written down as answers told and left out unless asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eval.answers import read_answers
from eval.collect.imports.error_texts import error_in, repeated
from eval.collect.imports.imports import import_alpaca_eval, import_fastchat, import_table
from eval.errors import InputError
from eval.run import Run
from tests.collect.test_prompts import write

#: kind -> texts that are no answers.
ERRORS = {
    "error messages": (
        "$ERROR$", " $ERROR$\n", "ERROR", "[ERROR]", "**NETWORK ERROR DUE TO HIGH TRAFFIC. PLEASE REGENERATE.**",
        "API_ERROR", "API error: 503", "Internal Server Error", "502 Bad Gateway", "HTTP 429 Too Many Requests",
        "Error code: 429 - {'error': {'message': 'Rate limit reached'}}", "litellm.RateLimitError: RateLimitError: x",
        "openai.APITimeoutError: Request timed out.", "ValueError: too many tokens", "Request timed out.",
        "Connection reset by peer", "CUDA out of memory. Tried to allocate 2.00 GiB",
        "Rate limit exceeded, retry in 5 s",
    ),
    "error pages": (
        "<html>\n<head><title>502 Bad Gateway</title></head>\n<body></body></html>",
        "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>",
        "<!doctype html><body><h1>Service Unavailable</h1></body>",
    ),
    "error bodies": ('{"error": {"message": "Rate limit reached", "code": 429}}',
                     '{"detail": null, "error": "timeout"}'),
    "stack traces": (
        'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nValueError: x',
        'Exception in thread "main" java.lang.NullPointerException\n\tat a.B.c(B.java:1)',
        "TypeError: x is not a function\n    at Object.<anonymous> (/a.js:1:1)",
        "panic: runtime error: index out of range\n\ngoroutine 1 [running]:",
    ),
}  # fmt: skip
ANSWERS = (
    "An error of 5% is small.", "Errors happen.", "The Python exception is ValueError.", "404 is a number.", "", " ",
    "Error handling in Go is explicit.", "Network errors are of three kinds: lost, late and broken ones.",
    "<html><head><title>My garden</title></head><body>Roses</body></html>", '{"sum": 42}',
    '{"error": null, "text": "a"}',
    "A traceback begins with `Traceback (most recent call last):`.",
    "Not found in the text, sorry.", "ERROR 404: a poem",
    "Forbidden fruit", "{not json", "Rate limits protect servers.",
    "Timeout: what it means\nA timeout is\na limit\nof time",
    "Internal server errors are those of the class 5xx.",
)  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in ERRORS.items() for text in texts])
def test_error_texts_are_known(kind: str, text: str) -> None:
    assert error_in(text) == kind


@pytest.mark.parametrize("text", ANSWERS)
def test_answers_that_speak_of_errors_are_answers(text: str) -> None:
    assert error_in(text) == ""


def test_what_is_the_same_on_many_prompts_answers_none() -> None:
    others = [f"Answer {n}." for n in range(50)]
    assert repeated([*others, *["Sorry, try later."] * 3]) == {"Sorry, try later."}
    assert repeated([*others, *["Sorry, try later."] * 2]) == frozenset()
    assert repeated([*others, *others, *["Yes."] * 5]) == frozenset()
    assert repeated([*others, " Oops, no. ", "Oops, no.", "Oops, no.\n"]) == {"Oops, no."}
    assert repeated([*others, *["B"] * 9, *["42."] * 9]) == frozenset()
    assert repeated([""] * 9) == frozenset()


def rows(*answers: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"prompt": f"Question {n}?", "base": base, "tuned": tuned} for n, (base, tuned) in enumerate(answers)]


def imported(folder: Path, *answers: tuple[str, str], **how: Any) -> tuple[Run, list[str]]:
    said: list[str] = []
    path = Path(write(folder / "t.jsonl", rows(*answers)))
    return import_table(folder / "reports", "first", path, say=said.append, **how), said


MIXED = (
    ("Blue.", "<think>\nHm.\n</think>\n\nRed."),
    ("Oak.", "<think>It continues"),
    ("$ERROR$", "Elm."),
    ("Cod.", "<html><title>502 Bad Gateway</title>"),
    ("Ant.", "Bee."),
)


def test_thinking_is_apart_and_what_is_no_answer_is_left_out(tmp_path: Path) -> None:
    run, said = imported(tmp_path, *MIXED)
    found = read_answers(run.responses_path).responses.values()
    assert [(one.text, one.thinking) for one in found] == [("Blue.", ""), ("Red.", "Hm."), ("Ant.", ""), ("Bee.", "")]
    assert said == [
        "1 answer of tuned begins with thinking, which is stored separately and not judged",
        "1 prompt is left out, since tuned has thinking without an answer there: line 2",
        "1 prompt is left out, since base has error messages there (--keep-errors keeps them): line 3",
        "1 prompt is left out, since tuned has error pages there (--keep-errors keeps them): line 4",
        "2 prompts with both answers imported",
    ]
    assert (run.info.prompt_set.records, run.info.prompt_set.asked) == (5, 2)
    assert run.info.prompt_set.left_out == {"thinking without an answer": 1, "error messages": 1, "error pages": 1}


def test_errors_are_kept_where_that_is_asked(tmp_path: Path) -> None:
    run, _ = imported(tmp_path, *MIXED, keep_errors=True)
    texts = [one.text for one in read_answers(run.responses_path).responses.values()]
    assert texts == ["Blue.", "Red.", "$ERROR$", "Elm.", "Cod.", "<html><title>502 Bad Gateway</title>", "Ant.", "Bee."]


def test_a_text_that_comes_again_and_again_is_told(tmp_path: Path) -> None:
    answers = [(f"Base {n}.", f"Tuned {n}." if n % 7 else "I'm having trouble, try later.") for n in range(28)]
    run, said = imported(tmp_path, *answers)
    assert run.info.prompt_set.left_out == {"the same text on more than 5% of the prompts": 4}
    assert said[0].startswith("4 prompts are left out, since tuned has the same text on more than 5% of the prompts")


def test_a_file_of_errors_alone_is_refused_with_the_option(tmp_path: Path) -> None:
    said: list[str] = []
    path = Path(write(tmp_path / "t.jsonl", rows(("$ERROR$", "a"), ("b", "$ERROR$"))))
    with pytest.raises(InputError, match="no prompt has an answer of both models"):
        import_table(tmp_path / "reports", "first", path, say=said.append)
    assert all("--keep-errors" in line for line in said)
    assert len(said) == 2


def test_other_layouts_are_held_to_the_same(tmp_path: Path) -> None:
    one = [{"instruction": f"Q{n}?", "output": text} for n, text in enumerate(("Blue.", "$ERROR$"))]
    two = [{"instruction": f"Q{n}?", "output": text} for n, text in enumerate(("<think>Hm.</think>Red.", "Oak."))]
    base, tuned = Path(write(tmp_path / "b.json", one)), Path(write(tmp_path / "t.json", two))
    run = import_alpaca_eval(tmp_path / "reports", "alpaca", base, tuned, say=lambda line: None)
    assert [one.text for one in read_answers(run.responses_path).responses.values()] == ["Blue.", "Red."]
    assert (run.info.prompt_set.records, run.info.prompt_set.left_out) == (4, {"error messages": 2})
    questions = Path(write(tmp_path / "q.jsonl", [{"question_id": n, "text": f"Q{n}?"} for n in range(2)]))
    paths = [
        Path(write(tmp_path / name, [{"question_id": n, "text": row["output"]} for n, row in enumerate(given)]))
        for name, given in (("b.jsonl", one), ("t.jsonl", two))
    ]
    run = import_fastchat(tmp_path / "reports", "fastchat", questions, *paths, say=lambda line: None)
    assert [one.thinking for one in read_answers(run.responses_path).responses.values()] == ["", "Hm."]
    assert (run.info.prompt_set.records, run.info.prompt_set.left_out) == (4, {"error messages": 2})
