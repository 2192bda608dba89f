"""Betting: false alarms under the null with looks after every verdict, power, and the confidence sequence."""

from __future__ import annotations

import numpy as np
import pytest

from eval.evidence.sequential.e_process import confidence_sequence, fixed_bets, growth, log_wealth
from eval.evidence.sequential.sequential import closed_prompts
from tests.evidence.studies import Floats, shuffled, verdicts

STUDIES, PROMPTS, REVIEWERS = 2000, 100, 5
THRESHOLD = np.log(20)


def _closing(rng: np.random.Generator, studies: Floats, *, in_turn: bool) -> Floats:
    """Each study's prompt scores in the order in which prompts close, verdicts given in random order or in turn."""
    planned = np.full(PROMPTS, REVIEWERS)
    closed = []
    for study in studies:
        item = np.repeat(np.arange(PROMPTS), REVIEWERS) if in_turn else shuffled(rng, PROMPTS, REVIEWERS)
        score = study[item, closing_rank(item)]
        closed.append(closed_prompts(item, score, planned).scores)
    return np.stack(closed)


def closing_rank(item: np.ndarray[tuple[int], np.dtype[np.intp]]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Which verdict on its prompt each one is: 0 for the first."""
    order = np.argsort(item, kind="stable")
    rank = np.empty(len(item), dtype=np.intp)
    rank[order] = np.arange(len(item)) % REVIEWERS
    return rank


@pytest.mark.parametrize("in_turn", [False, True], ids=["in random order", "prompt by prompt"])
def test_false_alarms_stay_below_five_percent_with_a_look_after_every_verdict(in_turn: bool) -> None:
    rng = np.random.default_rng(21)
    studies = verdicts(rng, (STUDIES, PROMPTS, REVIEWERS))
    path = log_wealth(_closing(rng, studies, in_turn=in_turn), 0.5, fixed_bets(PROMPTS))
    assert np.mean(path.max(axis=1) >= THRESHOLD) <= 0.05


def test_wealth_moved_at_every_verdict_would_err_more_often_than_promised() -> None:
    """The reason for closed prompts: a second verdict on a prompt is no news about the models."""
    studies = verdicts(np.random.default_rng(22), (STUDIES, PROMPTS, REVIEWERS)).reshape(STUDIES, -1)
    path = log_wealth(studies, 0.5, fixed_bets(PROMPTS * REVIEWERS))
    assert np.mean(path.max(axis=1) >= THRESHOLD) > 0.08


def test_single_verdicts_err_no_more_than_promised() -> None:
    studies = verdicts(np.random.default_rng(23), (STUDIES, 500, 1))[..., 0]
    assert np.mean(log_wealth(studies, 0.5, fixed_bets(500)).max(axis=1) >= THRESHOLD) <= 0.05


def test_three_hundred_verdicts_find_sixty_percent_at_some_look() -> None:
    studies = verdicts(np.random.default_rng(24), (STUDIES, 300, 1), win_rate=0.6)[..., 0]
    assert np.mean(log_wealth(studies, 0.5, fixed_bets(300)).max(axis=1) >= THRESHOLD) >= 0.85


@pytest.mark.parametrize("horizon", [100, 1000])
def test_a_wrong_horizon_costs_little(horizon: int) -> None:
    studies = verdicts(np.random.default_rng(24), (STUDIES, 300, 1), win_rate=0.6)[..., 0]
    assert np.mean(log_wealth(studies, 0.5, fixed_bets(horizon)).max(axis=1) >= THRESHOLD) >= 0.78


def test_wealth_is_the_mean_of_the_bets_products() -> None:
    scores, bets = np.array([1.0, 0.0, 0.5, 1.0]), np.array([0.2, 0.6])
    by_hand = np.mean([np.cumprod(1 + bet / 0.4 * (scores - 0.4)) for bet in bets], axis=0)
    assert np.exp(log_wealth(scores, 0.4, bets)) == pytest.approx(by_hand)
    assert growth(scores, 0.4, bets) == pytest.approx(max(np.log(1 + b / 0.4 * (scores - 0.4)).mean() for b in bets))


def test_wealth_survives_the_worst_prompts() -> None:
    assert np.isfinite(log_wealth(np.zeros(10_000), 0.5, fixed_bets(1))).all()


def test_before_any_prompt_every_mean_is_possible() -> None:
    assert confidence_sequence(np.array([]), fixed_bets(100)) == (0.0, 1.0)


def test_the_sequence_leaves_out_exactly_what_half_the_capital_rejects() -> None:
    scores = verdicts(np.random.default_rng(25), (1, 200, 1), win_rate=0.7)[0, :, 0]
    bets = fixed_bets(200)
    low, high = confidence_sequence(scores, bets)
    assert log_wealth(scores, low, bets).max() == pytest.approx(np.log(40), abs=1e-3)
    assert log_wealth(1 - scores, 1 - high, bets).max() == pytest.approx(np.log(40), abs=1e-3)


def test_the_sequence_holds_the_truth_at_all_times_at_once() -> None:
    studies = verdicts(np.random.default_rng(26), (300, 150, 2), win_rate=0.6).mean(axis=2)
    bets = fixed_bets(150)
    held = [low <= 0.6 <= high for low, high in (confidence_sequence(study, bets) for study in studies)]
    assert np.mean(held) >= 0.95


def test_drift_that_leaves_no_mean_gives_the_last_look() -> None:
    scores = np.concatenate([np.ones(150), np.zeros(600)])
    low, high = confidence_sequence(scores, fixed_bets(100))
    assert 0 < low < 0.2 < high < 0.5
