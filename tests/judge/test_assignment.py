"""Who is asked what: the overlap is met and spread evenly, sides stay balanced, and nothing is reserved for long."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judge.study.assignment import LEASE_SECONDS, Pool, ReviewerQueue, plan_reviewers
from eval.judge.study.blinding import Blinding
from eval.judge.study.study import Overlap
from tests.judge.runs import FIXED_KEY

CATEGORIES = {f"item-{i}": f"category {i % 7}" for i in range(10_000)}
BLINDING = Blinding("trial", FIXED_KEY)


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def small(n: int, overlap: Overlap | None = None, clock: Clock | None = None) -> Pool:
    return pool_of({f"item-{i}": "ab"[i % 2] for i in range(n)}, overlap or Overlap(), clock)


def pool_of(categories: dict[str, str], overlap: Overlap, clock: Clock | None = None) -> Pool:
    return Pool(categories, plan_reviewers(BLINDING, categories, overlap), clock or Clock())


def way(pool: Pool, reviewer: str) -> ReviewerQueue:
    return ReviewerQueue(pool, BLINDING, reviewer)


def judge(pool: Pool, by: ReviewerQueue) -> str | None:
    """One pair asked and judged."""
    item = pool.choose(by)
    if item is not None:
        pool.lease(by.reviewer, item)
        pool.release(by.reviewer)
        pool.count(item, 1)
        by.count(item, 1)
    return item


@given(st.integers(0, 400), st.floats(0, 1), st.integers(1, 5))
def test_the_share_is_the_same_in_each_category(n: int, share: float, categories: int) -> None:
    items = {f"i{i}": f"c{i % categories}" for i in range(n)}
    plan = plan_reviewers(BLINDING, items, Overlap(reviewers=3, share=share))
    assert list(plan) == list(items)
    assert abs(sum(target == 3 for target in plan.values()) - share * n) <= 1
    for category, size in Counter(items.values()).items():
        several = sum(plan[item] == 3 for item, one in items.items() if one == category)
        assert abs(several - share * size) <= 1 + 1e-6


def test_the_plan_is_a_runs_own_and_never_changes() -> None:
    overlap = Overlap(reviewers=2, share=0.2)
    items = dict(list(CATEGORIES.items())[:500])
    plan = plan_reviewers(BLINDING, items, overlap)
    assert plan == plan_reviewers(BLINDING, dict(reversed(items.items())), overlap)
    assert plan != plan_reviewers(Blinding("trial-2", FIXED_KEY), items, overlap)
    assert plan != plan_reviewers(Blinding("trial", b"k" * 32), items, overlap)


@pytest.fixture(scope="module")
def study() -> tuple[Pool, list[ReviewerQueue], dict[str, list[str]]]:
    """50 reviewers judge 10,000 pairs, a fifth of them by two, until nothing is left."""
    pool = pool_of(CATEGORIES, Overlap(reviewers=2, share=0.2))
    ways = [way(pool, f"reviewer {i}") for i in range(50)]
    judged: dict[str, list[str]] = {one.reviewer: [] for one in ways}
    active = list(ways)
    while active:
        for one in list(active):
            item = judge(pool, one)
            if item is None:
                active.remove(one)
            else:
                judged[one.reviewer].append(item)
    return pool, ways, judged


def test_the_overlap_is_met_exactly_and_nobody_is_asked_twice(
    study: tuple[Pool, list[ReviewerQueue], dict[str, list[str]]],
) -> None:
    pool, _, judged = study
    plan = plan_reviewers(BLINDING, CATEGORIES, Overlap(reviewers=2, share=0.2))
    assert Counter(item for items in judged.values() for item in items) == plan
    assert all(len(set(items)) == len(items) for items in judged.values())
    assert pool.open_to_anybody() == 0


def test_reviewers_get_equal_shares_of_each_category(
    study: tuple[Pool, list[ReviewerQueue], dict[str, list[str]]],
) -> None:
    for items in study[2].values():
        assert abs(len(items) - 240) <= 1
        assert all(abs(n - 240 / 7) <= 5 for n in Counter(CATEGORIES[item] for item in items).values())


def test_sides_are_balanced_in_what_each_reviewer_really_gets(
    study: tuple[Pool, list[ReviewerQueue], dict[str, list[str]]],
) -> None:
    left: Counter[str] = Counter()
    for one in study[1]:
        sides = Counter(one.sides[item] for item in study[2][one.reviewer])
        assert abs(sides["base"] - sides["tuned"]) <= 0.02 * sides.total()
        left.update(sides)
    assert abs(left["base"] / left.total() - 0.5) <= 0.01


def test_sides_and_partners_differ_between_reviewers(
    study: tuple[Pool, list[ReviewerQueue], dict[str, list[str]]],
) -> None:
    ways = study[1]
    for one, other in list(combinations(ways, 2))[:20]:
        same = sum(one.sides[item] == other.sides[item] for item in CATEGORIES)
        assert 4_700 < same < 5_300


def test_sides_do_not_alternate(study: tuple[Pool, list[ReviewerQueue], dict[str, list[str]]]) -> None:
    one = study[1][0]
    sides = [one.sides[item] for item in study[2][one.reviewer]]
    changes = sum(side != after for side, after in pairwise(sides))
    assert 0.4 < changes / len(sides) < 0.8


def test_pairs_short_of_most_judgements_come_first() -> None:
    pool = small(40, Overlap(reviewers=3, share=0.25))
    ana, bo = way(pool, "Ana"), way(pool, "Bo")
    plan = plan_reviewers(BLINDING, {f"item-{i}": "ab"[i % 2] for i in range(40)}, Overlap(reviewers=3, share=0.25))
    first = [judge(pool, ana) for _ in range(10)]
    assert {plan[item] for item in first if item} == {3}
    assert {judge(pool, bo) for _ in range(10)} == set(first)


def test_a_pair_before_somebody_goes_to_nobody_else() -> None:
    pool = small(6)
    ways = [way(pool, name) for name in ("Ana", "Bo", "Cy")]
    held = []
    for one in ways:
        item = pool.choose(one)
        assert item is not None
        pool.lease(one.reviewer, item)
        held.append(item)
    assert len(set(held)) == 3
    assert [pool.choose(one) for one in ways] == held


def test_only_held_pairs_left_are_given_all_the_same() -> None:
    pool = small(1)
    ana, bo = way(pool, "Ana"), way(pool, "Bo")
    pool.lease("Ana", "item-0")
    assert pool.choose(bo) == "item-0"
    assert pool.choose(ana) == "item-0"


def test_a_reviewer_who_left_gives_the_pair_back() -> None:
    clock = Clock()
    pool = small(2, clock=clock)
    ana, bo = way(pool, "Ana"), way(pool, "Bo")
    theirs = pool.choose(ana)
    assert theirs is not None
    pool.lease("Ana", theirs)
    assert judge(pool, bo) != theirs
    pool.release("Ana")
    assert pool.choose(bo) == theirs
    pool.lease("Ana", theirs)
    clock.now += LEASE_SECONDS + 1
    free = way(pool, "Cy")
    assert pool.choose(free) == theirs


def test_what_is_taken_back_is_open_again() -> None:
    pool = small(4)
    ana, bo = way(pool, "Ana"), way(pool, "Bo")
    judged = {judge(pool, ana) for _ in range(4)}
    assert (pool.still_open(ana), pool.still_open(bo), pool.choose(bo)) == (0, 0, None)
    back = judged.pop()
    assert back is not None
    pool.count(back, -1)
    ana.count(back, -1)
    assert (pool.still_open(ana), pool.choose(bo)) == (1, back)
    assert pool.is_open(bo, back)


def test_skipped_pairs_are_not_chosen() -> None:
    pool = small(3)
    ana = way(pool, "Ana")
    first = pool.choose(ana)
    assert first is not None
    assert pool.choose(ana, [first]) not in (first, None)
    assert pool.choose(ana, pool.items) is None


def test_nothing_to_judge() -> None:
    pool = small(0)
    assert pool.choose(way(pool, "Ana")) is None
    assert pool.open_to_anybody() == 0
