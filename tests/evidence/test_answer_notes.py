"""What a collection's end says of the answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from eval.evidence.signals.answer_notes import answer_notes
from eval.records import SIDES, Message, Pair, Response, Side, sha256_text, utc_now

LOOP = "and so on and on, " * 30
REFUSAL = "I'm sorry, but I can't help with that."


def answer(side: Side, text: str, reason: str = "stop") -> Response:
    return Response(
        prompt_id="p",
        side=side,
        messages=(Message(role="user", content="Hi"),),
        text=text,
        finish_reason=reason,
        sha256=sha256_text(text),
        answered_at=utc_now(),
    )


def pair(base: tuple[str, str], tuned: tuple[str, str]) -> Pair:
    left, right = answer("base", *base), answer("tuned", *tuned)
    return Pair(prompt_id="p", messages=left.messages, category="", base=left, tuned=right)


def looks(pairs: Sequence[Pair], switch: bool | None = None) -> list[str]:
    """Of the pairs' answers, as they come from two servers: the tuned one is ahead."""
    rows = [
        one.answer(side).model_copy(update={"prompt_id": f"p{number}"})
        for side in reversed(SIDES)
        for number, one in enumerate(pairs)
    ]
    return list(answer_notes(rows, [f"p{number}" for number in range(len(pairs))], switch))


GOOD = [pair((f"Blue {n}.", "stop"), (f"Red {n}.", "stop")) for n in range(10)]


def test_each_side_is_counted() -> None:
    odd = [
        pair(("Half of", "length"), ("", "stop")),
        pair((LOOP, "max_tokens"), (REFUSAL, "stop")),
        pair(("Same", "stop"), (" Same\n", "eos_token")),
        pair(("Gone", "content_filter"), ("Fine.", "stop")),
    ]
    assert list(looks(GOOD + odd)) == [
        "base: 14 answers, 2 cut, 0 empty, 1 repeating, 0 refusing, 1 ended by a content filter",
        "tuned: 14 answers, 0 cut, 1 empty, 0 repeating, 1 refusing",
        "1 of 14 pairs have the same answer on both sides",
    ]


@pytest.mark.parametrize(
    ("many", "begins", "remedy"),
    [
        (pair(("a", "stop"), ("b", "length")), "note: 3 of 13 tuned answers are cut", "a higher --max-tokens"),
        (pair(("a", "length"), ("b", "stop")), "note: 3 of 13 base answers are cut", "a higher --max-tokens"),
        (pair(("a", "stop"), ("a", "stop")), "note: 3 of 13 pairs are identical", "two addresses serve two models"),
    ],
    ids=["tuned cut", "base cut", "identical"],
)
def test_more_than_a_fifth_comes_with_what_to_do(many: Pair, begins: str, remedy: str) -> None:
    last = list(looks(GOOD + 3 * [many]))[-1]
    assert last.startswith(begins)
    assert remedy in last
    assert not any(line.startswith("note") for line in looks(GOOD + 2 * [many]))


def test_no_pair_has_no_looks() -> None:
    assert not list(looks([]))


def test_answers_that_are_errors_or_always_the_same_are_told() -> None:
    odd = [
        pair(("502 Bad Gateway", "stop"), ("I am having trouble, try later.", "stop")),
        *[pair((f"Grey {n}.", "stop"), ("I am having trouble, try later.", "stop")) for n in range(2)],
    ]
    assert list(looks(GOOD + odd))[3:] == [
        "note: 1 base answer reads like an error of a server, the first: '502 Bad Gateway'",
        "note: 3 of 13 tuned answers are the same text: 'I am having trouble, try later.'",
    ]
    assert len(list(looks(GOOD + [pair(("Yes.", "stop"), ("No.", "stop"))] * 4))) == 3


@pytest.mark.parametrize(
    ("switch", "thinks", "said"),
    [
        (False, True, "note: thinking was switched off, and base thought in 10 of 10 answers"),
        (True, False, "note: thinking was switched on, and base shows none: is it a model that thinks?"),
        (True, True, ""),
        (False, False, ""),
        (None, True, ""),
    ],
)
def test_a_switch_that_is_not_heeded_is_told(switch: bool | None, thinks: bool, said: str) -> None:
    thought = {"thinking": "Hm." if thinks else ""}
    pairs = [
        one.model_copy(update={side: one.answer(side).model_copy(update=thought) for side in ("base", "tuned")})
        for one in GOOD
    ]
    notes = [line for line in looks(pairs, switch) if line.startswith("note: thinking")]
    assert notes[:1] == ([said] if said else [])
    assert len(notes) == (2 if said else 0)
