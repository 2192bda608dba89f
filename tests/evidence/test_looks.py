"""What a collection's end says of the answers."""

from __future__ import annotations

import pytest

from eval.evidence.looks import looks
from eval.records import Message, Pair, Response, Side, sha256_text, utc_now

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
