"""The bootstrap against the analytic interval and scipy's, and the sign-flip test against its promise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from eval.evidence.estimates.bootstrap import bootstrap, net_wins, sign_flip, signed_bootstrap
from eval.evidence.estimates.winrate import wilson, win_rate
from tests.evidence.studies import verdicts


@pytest.mark.parametrize(("prompts", "reviewers"), [(20, 1), (100, 5), (1000, 3)])
def test_bootstrap_agrees_with_the_analytic_interval(prompts: int, reviewers: int) -> None:
    scores = verdicts(np.random.default_rng(3), (1, prompts, reviewers), win_rate=0.6).mean(axis=2)[0]
    drawn, analytic = bootstrap(scores), win_rate(scores)
    assert drawn.value == pytest.approx(analytic.value)
    assert (drawn.low, drawn.high) == pytest.approx((analytic.low, analytic.high), abs=1.2 / prompts + 0.002)


def test_collapsed_draws_are_those_of_drawing_prompt_by_prompt() -> None:
    scores = np.random.default_rng(4).choice([0.0, 0.2, 0.5, 1.0], size=400, p=[0.3, 0.2, 0.1, 0.4])
    ours = bootstrap(scores, draws=20_000)
    rng = np.random.default_rng(5)
    theirs = stats.bootstrap((scores,), np.mean, n_resamples=20_000, method="percentile", rng=rng).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.002)


def test_many_distinct_scores_are_drawn_one_by_one_with_the_same_result() -> None:
    scores = np.random.default_rng(6).random(2000)
    ours, analytic = bootstrap(scores), win_rate(scores)
    assert (ours.low, ours.high) == pytest.approx((analytic.low, analytic.high), abs=0.002)


def test_order_of_prompts_and_a_second_run_change_nothing() -> None:
    scores = np.random.default_rng(7).choice([0.0, 0.5, 1.0], size=300)
    assert bootstrap(scores) == bootstrap(scores) == bootstrap(scores[::-1])
    assert sign_flip(scores) == sign_flip(scores[::-1])


def test_a_ratio_counts_only_prompts_that_have_a_denominator() -> None:
    found = bootstrap(np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0]))
    assert (found.value, found.n) == pytest.approx((2 / 3, 3))


@pytest.mark.parametrize(("scores", "n"), [([], 0), ([1.0], 1)])
def test_fewer_than_two_prompts_carry_no_interval(scores: list[float], n: int) -> None:
    found = bootstrap(np.array(scores))
    assert (found.low, found.high, found.n) == (None, None, n)


def test_five_wins_of_five_are_no_certainty() -> None:
    found = bootstrap(np.ones(5))
    assert (found.low, found.high) == pytest.approx(wilson(1.0, 5, critical=stats.t.ppf(0.975, 4)))
    assert found.low is not None
    assert found.low < 0.6


def test_bootstrap_covers_the_truth_as_often_as_it_promises() -> None:
    studies = verdicts(np.random.default_rng(8), (500, 60, 3)).mean(axis=2)
    found = [bootstrap(study, draws=1000) for study in studies]
    covered = np.mean([f.low is not None and f.high is not None and f.low <= 0.5 <= f.high for f in found])
    assert 0.92 <= covered <= 0.98


def test_net_wins_are_majorities_of_prompts() -> None:
    found = net_wins(np.array([1.0, 0.6, 0.5, 0.4, 0.9]))
    assert (found.value, found.n) == pytest.approx((2.0, 5))
    assert found.low is not None
    assert found.low < 2.0


def test_a_signed_mean_may_be_negative() -> None:
    found = signed_bootstrap(np.array([-1.0] * 30 + [0.0] * 30))
    assert found.value == pytest.approx(-0.5)
    assert (found.low, found.high) == pytest.approx((-0.63, -0.37), abs=0.03)


def test_sign_flip_agrees_with_all_flips_counted_out() -> None:
    scores = np.array([1.0, 0.8, 0.6, 0.2, 1.0, 0.5, 0.9, 0.7])
    distances = scores - 0.5
    sums = np.array([distances @ np.array(signs) for signs in itertools.product((-1, 1), repeat=len(scores))])
    found = sign_flip(scores, draws=50_000)
    assert found.p_value == pytest.approx(np.mean(np.abs(sums) >= abs(distances.sum()) - 1e-9), abs=0.005)


def test_sign_flip_without_any_difference_is_one_and_without_prompts_is_nothing() -> None:
    assert sign_flip(np.full(20, 0.5)).p_value == 1.0
    assert sign_flip(np.array([])).p_value is None


def test_sign_flip_keeps_its_level_with_five_reviewers_on_a_hundred_prompts() -> None:
    """Nominal 5%; a test that takes 500 verdicts for independent errs several times as often on the same studies."""
    studies = verdicts(np.random.default_rng(9), (2000, 100, 5)).mean(axis=2)
    ours = np.mean([(sign_flip(study, draws=999).p_value or 1) <= 0.05 for study in studies])
    wins = np.round(studies.sum(axis=1) * 5)
    naive = np.mean(2 * np.minimum(stats.binom.cdf(wins, 500, 0.5), stats.binom.sf(wins - 1, 500, 0.5)) <= 0.05)
    assert 0.038 <= ours <= 0.062
    assert naive > 0.15
