"""Sides and order: stable, balanced, a reviewer's own, mute, and nobody's to compute who has not the key."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from eval.judge.study.blinding import Blinding, nonce, outcome
from tests.judge.runs import FIXED_KEY

ITEMS = [f"item-{i}" for i in range(10_000)]
KEYED, UNKEYED = Blinding("trial", FIXED_KEY), Blinding("trial", None)


@pytest.mark.parametrize("reviewer", ["Ana", "Bo", "汉"])
def test_sides_are_balanced_over_ten_thousand(reviewer: str) -> None:
    left = list(KEYED.sides(reviewer, ITEMS).values())
    assert abs(left.count("base") - left.count("tuned")) <= 1


def test_sides_are_balanced_all_along_a_reviewers_way() -> None:
    left = KEYED.sides("Ana", ITEMS)
    first = [left[item] for item in KEYED.order("Ana", ITEMS)[:2_000]]
    assert 900 < first.count("base") < 1_100


def test_sides_and_order_never_change() -> None:
    again = Blinding("trial", FIXED_KEY)
    assert KEYED.sides("Ana", ITEMS) == again.sides("Ana", reversed(ITEMS))
    assert KEYED.order("Ana", ITEMS) == again.order("Ana", reversed(ITEMS))
    assert KEYED.seeded("side", "Ana", "a") == hmac.digest(FIXED_KEY, b'["side", "trial", "Ana", "a"]', "sha256")


def test_a_run_judged_without_a_key_keeps_its_sides_and_its_order() -> None:
    assert UNKEYED.sides("Ana", ["a", "b", "c", "d"]) == {"b": "base", "c": "base", "a": "tuned", "d": "tuned"}
    assert UNKEYED.order("Ana", ["a", "b", "c", "d"]) == ["a", "c", "d", "b"]
    assert UNKEYED.seeded("side", "Ana", "a") == hashlib.sha256(b'["side", "trial", "Ana", "a"]').digest()


@pytest.mark.parametrize(
    ("other", "reviewer"),
    [(KEYED, "Bo"), (Blinding("trial-2", FIXED_KEY), "Ana"), (Blinding("trial", b"k" * 32), "Ana"), (UNKEYED, "Ana")],
)
def test_reviewers_runs_and_keys_differ(other: Blinding, reviewer: str) -> None:
    ours, theirs = KEYED.sides("Ana", ITEMS), other.sides(reviewer, ITEMS)
    assert 4_800 < sum(ours[item] == theirs[item] for item in ITEMS) < 5_200
    assert KEYED.order("Ana", ITEMS) != other.order(reviewer, ITEMS)


def test_an_odd_pair_out_is_not_the_same_for_everybody() -> None:
    alone = [KEYED.sides(f"reviewer {i}", ["one"])["one"] for i in range(200)]
    assert 60 < alone.count("base") < 140


def test_a_fingerprint_tells_keys_apart_and_shows_in_nothing_else() -> None:
    assert KEYED.fingerprint == Blinding("other", FIXED_KEY).fingerprint != Blinding("trial", b"k" * 32).fingerprint
    assert UNKEYED.fingerprint == ""
    assert FIXED_KEY.hex() not in repr(KEYED) + str(KEYED) + KEYED.fingerprint


def test_a_choice_between_places_becomes_one_between_models() -> None:
    assert [outcome(c, "base") for c in ("left", "right", "tie", "both_bad")] == ["base", "tuned", "tie", "both_bad"]
    assert [outcome(c, "tuned") for c in ("left", "right", "tie", "both_bad")] == ["tuned", "base", "tie", "both_bad"]


def test_nonces_are_new_each_time() -> None:
    assert len({nonce() for _ in range(1_000)}) == 1_000
