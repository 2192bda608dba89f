"""The win rate against published tables, against the bootstrap, and against what it promises by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from eval.evidence.estimates.winrate import detectable, prompt_scores, sign_test, wilson, win_rate, with_identical
from eval.evidence.judgements import BASE, BOTH_BAD, TIE, TUNED, Judgements, of_arrays


def table(rows: list[tuple[int, int]]) -> Judgements:
    """A table of (item, outcome), each judged by another reviewer."""
    item, outcome = [row[0] for row in rows], [row[1] for row in rows]
    return of_arrays(item, outcome, reviewer=range(len(rows)))


@pytest.mark.parametrize(
    ("wins", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_agrees_with_the_table_of_newcombe_1998(wins: int, n: int, low: float, high: float) -> None:
    assert wilson(wins / n, n, critical=1.959964) == pytest.approx((low, high), abs=5e-5)


def test_a_prompt_counts_once_however_many_judged_it() -> None:
    scores = prompt_scores(table([(0, TUNED)] * 9 + [(1, BASE)]))
    assert scores.tolist() == [1.0, 0.0]
    assert win_rate(scores).value == 0.5


def test_ties_are_half_and_both_bad_says_nothing_of_preference() -> None:
    rows = [(0, TUNED), (1, TIE), (2, BOTH_BAD), (3, BASE), (3, BOTH_BAD)]
    assert prompt_scores(table(rows)).tolist() == [1.0, 0.5, 0.0]
    assert prompt_scores(table(rows), ties=False).tolist() == [1.0, 0.0]


def test_identical_answers_enter_as_ties_only_where_asked() -> None:
    scores = np.array([1.0, 1.0])
    assert with_identical(scores, 2).tolist() == [1.0, 1.0, 0.5, 0.5]


@pytest.mark.parametrize("rows", [[], [(0, BOTH_BAD)]])
def test_no_preference_is_no_number(rows: list[tuple[int, int]]) -> None:
    estimate = win_rate(prompt_scores(table(rows)))
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (None, None, None, 0)
    assert not estimate.sufficient


def test_one_prompt_has_a_value_and_no_interval() -> None:
    estimate = win_rate(prompt_scores(table([(0, TUNED), (0, BASE)])))
    assert (estimate.value, estimate.low, estimate.n) == (0.5, None, 1)


def test_five_of_five_is_no_certainty() -> None:
    estimate = win_rate(np.ones(5))
    assert estimate.low is not None
    assert estimate.low < 0.6
    assert (estimate.value, estimate.high) == (1.0, 1.0)


def test_interval_agrees_with_the_bootstrap_over_prompts() -> None:
    rng = np.random.default_rng(7)
    scores = rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], size=200, p=[0.2, 0.1, 0.1, 0.2, 0.4])
    ours = win_rate(scores)
    theirs = stats.bootstrap((scores,), np.mean, n_resamples=4000, rng=rng, method="percentile").confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def _studies(rng: np.random.Generator, *, studies: int, prompts: int, reviewers: int) -> NDArray[np.float64]:
    """Scores of studies with strong prompt effects and a true win rate of one half. Shape (studies, prompts)."""
    preference = rng.beta(1.0, 1.0, size=(studies, prompts))
    return np.asarray(rng.binomial(reviewers, preference) / reviewers, dtype=np.float64)


@pytest.mark.parametrize(("prompts", "reviewers"), [(20, 1), (100, 1), (100, 5)])
def test_the_interval_covers_the_truth_as_often_as_it_promises(prompts: int, reviewers: int) -> None:
    scores = _studies(np.random.default_rng(11), studies=2000, prompts=prompts, reviewers=reviewers)
    estimates = [win_rate(study) for study in scores]
    covered = np.mean([e.low is not None and e.high is not None and e.low <= 0.5 <= e.high for e in estimates])
    assert 0.93 <= covered <= 0.975


def test_naive_interval_would_not_cover() -> None:
    """The reason for the clusters: 500 verdicts on 100 prompts are not 500 independent ones."""
    scores = _studies(np.random.default_rng(11), studies=2000, prompts=100, reviewers=5)
    naive = [wilson(float(study.mean()), 500, critical=1.96) for study in scores]
    assert np.mean([low <= 0.5 <= high for low, high in naive]) < 0.90


@pytest.mark.parametrize(("tuned", "base", "p"), [(11, 3, 0.0574), (8, 2, 0.1094), (9, 1, 0.0215), (10, 10, 1.0)])
def test_sign_test_agrees_with_binomial_tables(tuned: int, base: int, p: float) -> None:
    result = sign_test(np.array([1.0] * tuned + [0.2] * base + [0.5] * 4))
    assert (result.tuned, result.base) == (tuned, base)
    assert result.p_value == pytest.approx(p, abs=5e-5)


def test_sign_test_on_undecided_prompts_is_no_number() -> None:
    assert sign_test(np.array([0.5, 0.5])).p_value is None


@pytest.mark.parametrize("n", [40, 300])
def test_the_detectable_win_rate_is_found_four_times_in_five(n: int) -> None:
    rng = np.random.default_rng(5)
    found = detectable((rng.random(n) < 0.5).astype(np.float64))
    assert found is not None
    studies = (rng.random((2000, n)) < found).astype(np.float64)
    assert 0.75 < np.mean([(win_rate(one).low or 0) > 0.5 for one in studies]) < 0.86


def test_no_win_rate_is_detectable_with_too_few_prompts() -> None:
    assert detectable(np.array([1.0])) is None
    assert detectable(np.array([0.0, 1.0])) is None
