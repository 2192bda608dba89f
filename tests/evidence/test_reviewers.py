"""Figures of each reviewer, by hand, and who the result hangs on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.evidence.judgements import BASE, BOTH_BAD, TIE, TUNED, Judgements, of_arrays
from eval.evidence.reviewers.reviewers import Reviewer, median, reviewers
from eval.records import Verdict
from tests.judge.verdicts import verdict

NOTHING = Estimate(None, None, None, 0)


def only(table: Judgements) -> Reviewer:
    (row,) = reviewers(table).rows
    return row


def special(item: str, **changes: Any) -> Verdict:
    return verdict(item=item, reviewer="0", **changes)


def test_one_reviewer_by_hand() -> None:
    outcome = [TUNED, BASE, TUNED, TIE, BOTH_BAD, TUNED]
    row = only(of_arrays(range(6), outcome, left=[1, 1, 0, 0, 0, 1], seconds=[1, 2, 3, 4, 5, 100]))
    assert (row.name, row.judgements) == ("0", 6)
    assert (row.win_rate.value, row.win_rate.n) == (3.5 / 5, 5)
    assert (row.left.value, row.left.n) == (0.5, 4)
    assert row.ties.value == row.both_bad.value == pytest.approx(1 / 6)
    assert row.seconds == Estimate(3.5, 1.0, 100.0, 6)
    assert (row.repeats, row.gold, row.without) == (NOTHING, NOTHING, NOTHING)


def test_one_who_always_presses_left_shows() -> None:
    left = np.arange(40) % 2
    row = only(of_arrays(range(40), left, left=left))
    assert (row.left.value, row.win_rate.value) == (1.0, 0.5)
    assert row.left.low is not None
    assert row.left.low > 0.85


def test_repeats_and_known_answers() -> None:
    table = of_arrays([0, 1, 2, 3], [TUNED, BASE, TIE, TUNED], reviewer=[0, 0, 0, 1])
    table = replace(
        table,
        repeats=(
            special("0", kind="repeat", outcome="tuned"),
            special("1", kind="repeat", outcome="tuned"),
            special("2", kind="repeat", outcome="tie"),
            special("3", kind="repeat", outcome="tuned"),
        ),
        golds=tuple(special(f"gold:{n}", kind="gold", outcome=o) for n, o in enumerate(("tuned", "base", "tie"))),
    )
    row = reviewers(table).rows[0]
    assert row.repeats.n == 3, "item 3 was judged by somebody else"
    assert row.repeats.value == pytest.approx(2 / 3)
    assert (row.same_place.value, row.same_place.n) == (0.5, 2)
    assert row.gold.n == 3
    assert row.gold.value == pytest.approx(1 / 3)


def test_one_who_judged_known_answers_only_is_there_too() -> None:
    golds = (verdict(item="gold:1", reviewer="zoe", kind="gold", outcome="tuned"),)
    row = only(replace(of_arrays([], []), golds=golds))
    assert (row.name, row.judgements, row.gold.value, row.seconds) == ("zoe", 0, 1.0, NOTHING)


def test_leaving_one_out_is_the_table_without_them() -> None:
    rng = np.random.default_rng(4)
    table = of_arrays(rng.integers(30, size=200), rng.integers(4, size=200), reviewer=rng.integers(5, size=200))
    found = reviewers(table)
    for code, row in enumerate(found.rows):
        rest = table.where(table.reviewer != code)
        keep = ~np.isnan(rest.score)
        sums = [np.bincount(rest.item[keep], weights=w, minlength=30) for w in (rest.score[keep], None)]
        assert row.without == win_rate(sums[0][sums[1] > 0] / sums[1][sums[1] > 0])


def test_a_finding_that_hangs_on_one_reviewer_names_them() -> None:
    item = np.arange(90)
    outcome = np.where(item < 30, TUNED, item % 2)
    found = reviewers(of_arrays(item, outcome, reviewer=item // 30))
    assert found.everybody.low is not None
    assert found.everybody.low > 0.5
    assert found.decisive == ("0",)


def test_no_verdicts() -> None:
    found = reviewers(of_arrays([], []))
    assert (found.rows, found.everybody, found.decisive) == ((), NOTHING, ())


@pytest.mark.parametrize("n", [1, 5])
def test_a_median_of_few_carries_no_interval(n: int) -> None:
    assert median(np.arange(float(n))) == Estimate((n - 1) / 2, None, None, n)


@pytest.mark.parametrize(("n", "low", "high"), [(6, 1, 6), (10, 2, 9), (20, 6, 15), (50, 18, 33)])
def test_the_median_lies_between_the_ranks_of_published_tables(n: int, low: int, high: int) -> None:
    """Ranks for 95%, as in tables of the sign test's interval."""
    found = median(np.arange(1.0, n + 1))
    assert (found.low, found.high) == (low, high)
    assert 1 - 2 * stats.binom.cdf(low - 1, n, 0.5) >= 0.95 > 1 - 2 * stats.binom.cdf(low, n, 0.5)
