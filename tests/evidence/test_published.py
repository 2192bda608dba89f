"""Answers that were published elsewhere: intervals of a share, and the sign test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eval.evidence.estimates.bootstrap import bootstrap, sign_flip
from eval.evidence.estimates.counts import prompt_counts
from eval.evidence.estimates.winrate import sign_test, wilson, win_rate
from eval.evidence.judgements import BASE, TIE, TUNED
from eval.evidence.reviewers.agreement import coefficients
from tests.support import ROOT


@pytest.mark.parametrize(("wins", "n"), [(0, 1), (3, 7), (50, 100), (999, 1000)])
def test_the_interval_of_a_share_agrees_with_scipy(wins: int, n: int) -> None:
    test = stats.binomtest(wins, n)
    score = test.proportion_ci(method="wilson")
    assert wilson(wins / n, n, critical=stats.norm.isf(0.025)) == pytest.approx((score.low, score.high))


def test_darwins_corn_by_the_flips_that_fisher_counted() -> None:
    """Fisher (1935, section 21): of the 32,768 ways to flip 15 pairs, 1,726 are as far from 0, p = 0.0527."""
    eighths = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])
    found = sign_flip(0.5 + eighths / 200, draws=200_000)
    assert found.p_value == pytest.approx(1726 / 32768, abs=0.002)
    assert sign_test(0.5 + eighths / 200).p_value == pytest.approx(0.0074, abs=5e-5)


def test_the_bootstrap_of_a_share_agrees_with_the_analytic_interval() -> None:
    """Newcombe's 81 of 263: at this n a percentile interval is the simple one, p +- 1.96 sqrt(p (1 - p) / n)."""
    found = bootstrap(np.array([1.0] * 81 + [0.0] * 182), draws=20_000)
    assert (found.low, found.high) == pytest.approx((0.2522, 0.3638), abs=0.004)


def test_pandalms_three_annotators_agree_as_published() -> None:
    """999 instructions, three people each; statsmodels gives the same kappa of Fleiss."""
    text = (ROOT / "tests" / "data" / "pandalm-testset-v1.txt").read_text().splitlines()
    said = np.array([list(one) for line in text[1:] for one in line.split()], dtype=np.intp)
    assert said.shape == (999, 3)
    outcome = np.select([said == 1, said == 2], [BASE, TUNED], TIE)
    counts = prompt_counts(np.repeat(np.arange(999), 3), outcome.ravel(), 999).per_prompt
    assert coefficients(counts).fleiss.value == pytest.approx(0.86418, abs=5e-6)


def test_fairevals_people_prefer_chatgpt_to_vicuna_hardly() -> None:
    """github.com/i-Eval/FairEval, review_gpt35_vicuna-13b_human.txt: 25 for Vicuna, 14 ties, 41 for ChatGPT."""
    scores = np.array([1.0] * 25 + [0.5] * 14 + [0.0] * 41)
    assert win_rate(scores).value == pytest.approx(0.4)
    assert sign_test(scores).p_value == pytest.approx(0.064, abs=5e-4)
