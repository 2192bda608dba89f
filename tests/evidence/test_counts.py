"""Verdicts collapsed per prompt give the figures of the verdicts themselves."""

from __future__ import annotations

import numpy as np
import pytest

from eval.evidence.estimates.counts import bad_rates, prompt_counts, resampled
from eval.evidence.estimates.winrate import win_rate
from eval.evidence.judgements import BASE, BOTH_BAD, TIE, TUNED

ITEM = np.array([0, 0, 1, 2, 2, 4, 4, 5])
OUTCOME = np.array([TUNED, TIE, BASE, BOTH_BAD, TUNED, BOTH_BAD, BOTH_BAD, TIE])


def test_scores_are_means_over_the_verdicts_with_a_preference_or_tie() -> None:
    counts = prompt_counts(ITEM, OUTCOME, 6)
    assert counts.scores.tolist() == [0.75, 0.0, 1.0, 0.5]


def test_every_figure_has_its_own_n() -> None:
    found = resampled(prompt_counts(ITEM, OUTCOME, 6))
    assert (found.win_rate.value, found.win_rate.n) == (0.5625, 4)
    assert (found.win_rate_without_ties.value, found.win_rate_without_ties.n) == pytest.approx((2 / 3, 3))
    assert (found.both_bad.value, found.both_bad.n) == pytest.approx((0.3, 5))
    assert (found.ties.value, found.ties.n) == pytest.approx((0.3, 5))
    assert (found.net_wins.value, found.net_wins.n) == pytest.approx((1.0, 4))


def test_without_ties_agrees_with_the_analytic_figure() -> None:
    rng = np.random.default_rng(12)
    item, outcome = np.repeat(np.arange(300), 3), rng.choice(4, size=900, p=[0.3, 0.4, 0.2, 0.1])
    counts = prompt_counts(item, outcome, 300)
    wins, losses = counts.per_prompt[:, TUNED], counts.per_prompt[:, BASE]
    decided = wins + losses > 0
    analytic = win_rate((wins / np.maximum(wins + losses, 1))[decided])
    found = resampled(counts).win_rate_without_ties
    assert (found.value, found.n) == pytest.approx((analytic.value, analytic.n))
    assert (found.low, found.high) == pytest.approx((analytic.low, analytic.high), abs=0.005)


@pytest.mark.parametrize("outcome", [[], [BOTH_BAD] * 4], ids=["no verdicts", "all both bad"])
def test_no_preference_is_no_number(outcome: list[int]) -> None:
    item = np.arange(len(outcome))
    found = resampled(prompt_counts(item, np.array(outcome, dtype=np.intp), 4))
    assert (found.win_rate.value, found.win_rate_without_ties.value, found.net_wins.value) == (None, None, None)
    assert found.sign_flip.p_value is None
    assert found.both_bad.value == (1.0 if outcome else None)


def test_all_ties_are_a_half_and_no_number_without_ties() -> None:
    found = resampled(prompt_counts(np.arange(30), np.full(30, TIE), 30))
    assert found.win_rate.value == 0.5
    assert found.win_rate_without_ties.value is None
    assert found.sign_flip.p_value == 1.0


def test_bad_rates_tell_the_sides_apart_only_by_flags() -> None:
    nobody = np.zeros(len(ITEM), dtype=np.bool_)
    alike = bad_rates(ITEM, OUTCOME, nobody, nobody, 6)
    assert alike.base == alike.tuned
    assert alike.difference.value == 0.0
    flagged = nobody.copy()
    flagged[[2, 7]] = True
    found = bad_rates(ITEM, OUTCOME, flagged, nobody, 6)
    assert (found.base.value, found.tuned.value) == pytest.approx((0.7, 0.3))
    assert found.difference.value == pytest.approx(-0.4)
