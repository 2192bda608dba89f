"""Sides and order: stable, balanced, a reviewer's own, and mute."""

from __future__ import annotations

import pytest

from eval.judge.blinding import nonce, order, outcome, sides

ITEMS = [f"item-{i}" for i in range(10_000)]


@pytest.mark.parametrize("reviewer", ["Ana", "Bo", "汉"])
def test_sides_are_balanced_over_ten_thousand(reviewer: str) -> None:
    left = list(sides("trial", reviewer, ITEMS).values())
    assert abs(left.count("base") - left.count("tuned")) <= 1


def test_sides_are_balanced_all_along_a_reviewers_way() -> None:
    left = sides("trial", "Ana", ITEMS)
    first = [left[item] for item in order("trial", "Ana", ITEMS)[:2_000]]
    assert 900 < first.count("base") < 1_100


def test_sides_and_order_never_change() -> None:
    assert sides("trial", "Ana", ITEMS) == sides("trial", "Ana", reversed(ITEMS))
    assert order("trial", "Ana", ITEMS) == order("trial", "Ana", reversed(ITEMS))
    assert sides("trial", "Ana", ["a", "b", "c", "d"]) == {"b": "base", "c": "base", "a": "tuned", "d": "tuned"}
    assert order("trial", "Ana", ["a", "b", "c", "d"]) == ["a", "c", "d", "b"]


def test_reviewers_and_runs_differ() -> None:
    ana = sides("trial", "Ana", ITEMS)
    for other in (sides("trial", "Bo", ITEMS), sides("trial-2", "Ana", ITEMS)):
        same = sum(ana[item] == other[item] for item in ITEMS)
        assert 4_800 < same < 5_200
    assert order("trial", "Ana", ITEMS) != order("trial", "Bo", ITEMS)


def test_an_odd_pair_out_is_not_the_same_for_everybody() -> None:
    alone = [sides("trial", f"reviewer {i}", ["one"])["one"] for i in range(200)]
    assert 60 < alone.count("base") < 140


def test_a_choice_between_places_becomes_one_between_models() -> None:
    assert [outcome(c, "base") for c in ("left", "right", "tie", "both_bad")] == ["base", "tuned", "tie", "both_bad"]
    assert [outcome(c, "tuned") for c in ("left", "right", "tie", "both_bad")] == ["tuned", "base", "tie", "both_bad"]


def test_nonces_are_new_each_time() -> None:
    assert len({nonce() for _ in range(1_000)}) == 1_000
