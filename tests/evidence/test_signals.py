"""Signals of the answers, by hand; what counts as a loop and as a refusal, and what does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eval.answers import read_answers
from eval.collect.refusals import refuses
from eval.evidence.estimates.bootstrap import SignedEstimate
from eval.evidence.estimates.winrate import Estimate
from eval.evidence.signals.answer_signals import Signals, expected, length_ratio, measure
from eval.evidence.signals.degeneration import is_empty, repeating
from eval.expect.expect import Expect
from eval.records import Pair
from eval.run import Run
from tests.judge.runs import make_run, make_run_of, prompt, response

PARAGRAPH = (
    "The river rises in the hills and runs east for ninety miles. Farmers along its banks grow barley, and in spring "
    "the water covers the lower fields. Two towns share the bridge, one on each side, and both claim to have built it. "
)
LIST = "\n".join(f"{n}. Put the {thing} into the box." for n, thing in enumerate("abcdefghijkl"))
TABLE = "| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |\n| 4 | 5 | 6 |\n" + "-" * 200 + "." * 200


def signals_of(run: Run) -> Signals:
    """The signals of a run's answers, from its files."""
    prompts = run.prompts()
    return measure(read_answers(run.responses_path).pairs(prompts), expected(prompts))


def pairs(tmp_path: Path, answers: Sequence[tuple[str, str]]) -> list[Pair]:
    run = make_run(tmp_path, answers=answers)
    return read_answers(run.responses_path).pairs(run.prompts())


@pytest.mark.parametrize(
    "text",
    [
        "no " * 30,
        "Sure. " + "I will help you with that. " * 10,
        "It begins well enough. " + "and then and so " * 8 + "it ends well too, with a sentence of its own.",
        "好的" * 20,
        "!" * 60,
        "ha" * 80,
        PARAGRAPH * 4,
        "\n".join(["- the same line"] * 12),
        "a b c d e f " * 4,
        "a a a a b " * 5 + "x",
        " ".join(f"w{n % 75}" for n in range(300)),
    ],
)
def test_loops(text: str) -> None:
    assert repeating([text]) == [True]


@pytest.mark.parametrize(
    "text",
    [
        "a b c d e f " * 3 + "a b c d e",
        " ".join(f"w{n % 75}" for n in range(299)),
        *("", "no no no", PARAGRAPH, PARAGRAPH * 2, LIST, TABLE, "哈哈哈哈", "Row, row, row your boat"),
        "0123456789" * 3,
        " ".join(str(n) for n in range(300)),
        "int a[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};",
        "Buffalo buffalo Buffalo buffalo buffalo buffalo Buffalo buffalo.",
    ],
)
def test_what_is_no_loop(text: str) -> None:
    assert repeating([text]) == [False]


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t assist with that request.",
        "I cannot provide instructions for this.",
        "I am unable to comply.",
        "I'm not able to answer that.",
        "I won't be able to help you here.",
        "As an AI language model, I do not have opinions and cannot choose.",
        "Unfortunately, I must decline.",
        "抱歉，我无法提供这类信息。",
        "对不起，我不能帮助你。",
        "作为一个人工智能，我无法回答这个问题。",
        "很抱歉，无法为您提供。",
    ],
)
def test_refusals(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry to hear that. Here is what you can do.",
        "You can't divide by zero, but here is the limit.",
        "Sorry for the delay! The answer is 4.",
        "I can help with that.",
        "This method cannot provide a guarantee.",
        "抱歉让你久等了，答案是四。",
        "这种材料不能承受高温。",
        "",
        "A story. " * 40 + "'I cannot help you,' said the wizard.",
    ],
)
def test_what_is_no_refusal(text: str) -> None:
    assert not refuses(text)


@pytest.mark.parametrize(
    ("text", "empty"), [*((t, 1) for t in ("", " \n", " ... ", "。")), *((t, 0) for t in "7是👍=")]
)
def test_what_is_empty(text: str, empty: int) -> None:
    assert is_empty(text) == bool(empty)


def test_signals_by_hand(tmp_path: Path) -> None:
    answers = [
        ("one two three four", "one two"),
        ("same words here", "same words here"),
        ("two words", ""),
        ("I cannot help with that.", "yes " * 30),
        ("fine", " ... \n"),
    ]
    found = measure(pairs(tmp_path, answers))
    assert found.n == 5
    assert (found.empty.base.value, found.empty.tuned.value) == (0.0, 0.4)
    assert found.empty.difference.value == pytest.approx(0.4)
    assert (found.repetition.base.value, found.repetition.tuned.value) == (0.0, 0.2)
    assert (found.refusals.base.value, found.refusals.tuned.value) == (0.2, 0.0)
    assert found.unchanged.value == 0.2
    assert found.length_ratio.value == pytest.approx((2 + 3 + 0 + 30 + 1) / (4 + 3 + 2 + 5 + 1))
    assert found.limits["refusals_more_than_base"] == pytest.approx(-0.2)
    for estimate in (found.empty.tuned, found.unchanged, found.truncated.tuned):
        assert estimate.low is not None
        assert estimate.n == 5


def test_truncated_answers_by_what_the_server_said(tmp_path: Path) -> None:
    asked = [prompt(n) for n in range(4)]
    rows = [response(one, "base", "b") for one in asked]
    rows += [response(one, "tuned", "t", finish_reason="length" if n else "stop") for n, one in enumerate(asked)]
    found = signals_of(make_run_of(tmp_path, asked, rows)).truncated
    assert (found.base.value, found.tuned.value) == (0.0, 0.75)
    assert found.difference.value == pytest.approx(0.75)


def test_must_pass_prompts_broken_and_repaired(tmp_path: Path) -> None:
    expects = [
        Expect(contains=("4",)),
        Expect(regex="^yes"),
        Expect(equals="ok"),
        Expect(json_schema={"type": "array"}),
    ]
    asked = [prompt(n).model_copy(update={"expect": expect}) for n, expect in enumerate(expects)] + [prompt(9)]
    answers = [("4", "5"), ("no", "yes, it is"), ("ok", " ok "), ("{}", "[1"), ("", "x")]
    rows = [
        row
        for one, (base, tuned) in zip(asked, answers, strict=True)
        for row in (response(one, "base", base), response(one, "tuned", tuned))
    ]
    found = signals_of(make_run_of(tmp_path, asked, rows)).must_pass
    assert (found.n, found.broken_prompts, found.repaired_prompts) == (4, (asked[0].id,), (asked[1].id,))
    assert (found.broken, found.repaired) == (1, 1)
    assert (found.passed_by.base.value, found.passed_by.tuned.value) == (0.5, 0.5)
    assert found.passed_by.difference.value == 0.0


def test_no_pairs_are_insufficient() -> None:
    found = measure([])
    nothing = Estimate(None, None, None, 0)
    assert (found.empty.tuned, found.unchanged, found.must_pass.passed_by.base) == (nothing, nothing, nothing)
    assert (found.length_ratio, found.must_pass.n) == (SignedEstimate(None, None, None, 0), 0)
    assert set(found.limits.values()) == {None}


def test_the_length_ratio_says_when_it_cannot_tell() -> None:
    assert length_ratio(np.array([[4.0, 2.0]])) == SignedEstimate(0.5, None, None, 1)
    assert length_ratio(np.array([[0.0, 2.0], [0.0, 1.0]])) == SignedEstimate(None, None, None, 2)
    assert length_ratio(np.array([[1000.0, 2.0], [0.0, 1.0], [0.0, 1.0]])).low is None


def test_the_length_ratio_covers_the_truth() -> None:
    rng = np.random.default_rng(8)
    covered = 0
    for _ in range(1000):
        base = rng.gamma(2.0, 30.0, size=40)
        found = length_ratio(np.column_stack([base, 0.7 * base * rng.lognormal(-0.125, 0.5, size=40)]))
        covered += found.low is not None and found.high is not None and found.low <= 0.7 <= found.high
    assert 0.92 <= covered / 1000 <= 0.975
