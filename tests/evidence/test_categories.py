"""Win rates by category: the corrections against published figures, and what they promise by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from eval.evidence.estimates.categories import categories, holm, p_value
from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.evidence.judgements import BASE, BOTH_BAD, TIE, TUNED, of_arrays


def holds_half(estimate: Estimate) -> bool:
    """Whether there is an interval that holds one half."""
    return estimate.low is not None and estimate.high is not None and estimate.low <= 0.5 <= estimate.high


def test_holm_by_hand() -> None:
    """Four p-values: 4 x 0.005, 3 x 0.01, 2 x 0.03, and the last no smaller than the one before."""
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).tolist() == []


@pytest.mark.parametrize("seed", range(5))
def test_the_p_value_is_where_the_interval_reaches_one_half(seed: int) -> None:
    scores = np.random.default_rng(seed).choice([0.0, 0.5, 0.75, 1.0], size=30)
    p = p_value(scores)
    assert not holds_half(win_rate(scores, confidence=1 - p * 1.001))
    assert holds_half(win_rate(scores, confidence=1 - p * 0.999))


def test_each_category_has_its_own_prompts() -> None:
    outcome = [TUNED, TUNED, TUNED, BASE, TIE, BOTH_BAD, BASE]
    found = categories(of_arrays([0, 0, 1, 2, 3, 4, 5], outcome, category=[1, 1, 0, 0, 2, 2]))
    rows = {row.name: row for row in found.rows}
    assert [(row.prompts, row.judgements, row.win_rate.n) for row in found.rows] == [(2, 2, 2), (2, 3, 2), (2, 2, 1)]
    assert [rows[name].win_rate.value for name in "012"] == [0.25, 1.0, 0.0]
    assert (rows["2"].win_rate.low, rows["2"].p_value, rows["2"].holm) == (None, None, None)
    assert (found.looked_at, found.confidence) == (2, 0.975)


def test_looking_at_many_widens_every_interval() -> None:
    item = np.arange(200)
    outcome = np.where(item % 3 == 0, BASE, TUNED)
    found = categories(of_arrays(item, outcome, category=item // 20))
    for row in found.rows:
        assert row.win_rate.low is not None
        assert row.alone.low is not None
        assert row.win_rate.low < row.alone.low
        assert row.p_value is not None
        assert row.holm is not None
        assert row.p_value <= row.holm
    assert found.confidence == pytest.approx(0.995)


def test_no_verdicts_and_only_both_bad() -> None:
    assert categories(of_arrays([], [])).rows == ()
    only = categories(of_arrays([0, 1], [BOTH_BAD, BOTH_BAD])).rows[0]
    assert (only.win_rate, only.prompts, only.holm) == (Estimate(None, None, None, 0), 2, None)


def test_among_many_categories_without_difference_hardly_any_stands_out() -> None:
    """12 categories of 40 prompts at one half: some interval or p-value errs in at most about 5% of studies."""
    rng = np.random.default_rng(2)
    item = np.arange(480)
    intervals, p_values, uncorrected = 0, 0, 0
    for _ in range(300):
        rows = categories(of_arrays(item, rng.choice([BASE, TUNED, TIE], size=480), category=item // 40)).rows
        intervals += any(not holds_half(row.win_rate) for row in rows)
        p_values += any(row.holm is not None and row.holm < 0.05 for row in rows)
        uncorrected += any(row.p_value is not None and row.p_value < 0.05 for row in rows)
    assert intervals / 300 <= 0.08
    assert p_values / 300 <= 0.08
    assert uncorrected / 300 > 0.3
