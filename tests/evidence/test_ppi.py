"""Prediction-powered figures: valid whatever the judge, and narrower where it agrees with people."""

from __future__ import annotations

import numpy as np
import pytest

from eval.evidence.estimates.winrate import Estimate
from eval.evidence.sequential.e_process import fixed_bets, log_wealth
from eval.evidence.signals.ppi import PredictionPowered, predicted_log_wealth, predicted_win_rate, settled
from tests.evidence.studies import sampled

STUDIES, PROMPTS, PEOPLE = 2000, 600, 150
THRESHOLD = np.log(20)


def _estimates(
    seed: int, judge: dict[str, float], *, studies: int = STUDIES, people: int = PEOPLE
) -> list[PredictionPowered]:
    drawn = sampled(np.random.default_rng(seed), studies, PROMPTS, people, **judge)
    return [predicted_win_rate(*study) for study in zip(drawn.human, drawn.judge, drawn.asked, strict=True)]


def _width(estimate: Estimate) -> float:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.high - estimate.low


def _covers(estimate: Estimate, truth: float) -> bool:
    return estimate.low is not None and estimate.high is not None and estimate.low <= truth <= estimate.high


@pytest.mark.parametrize(
    "judge",
    [
        {"agreement": 0.8},
        {"agreement": 0.8, "likes_tuned": 0.3},
        {"agreement": 0.6},
        {"agreement": 0.9, "win_rate": 0.65},
    ],
    ids=["80%", "80%, biased", "60%", "90%, tuned better"],
)
def test_it_covers_what_people_prefer_whatever_the_judge(judge: dict[str, float]) -> None:
    found = _estimates(41, judge)
    assert np.mean([_covers(one.estimate, judge.get("win_rate", 0.5)) for one in found]) >= 0.94
    assert max(_width(one.estimate) / _width(one.people) for one in found) <= 1.02


def test_the_judge_alone_would_not_cover() -> None:
    drawn = sampled(np.random.default_rng(41), 200, PROMPTS, PEOPLE, likes_tuned=0.3)
    assert np.mean(np.abs(drawn.judge.mean(axis=1) - 0.5) < 0.08) < 0.05


def test_a_quarter_of_the_verdicts_are_saved_at_eighty_percent() -> None:
    found = _estimates(42, {}, studies=400)
    assert np.mean([one.saved / (one.saved + PEOPLE) for one in found]) >= 0.25


@pytest.mark.parametrize("people", [5, 19, 20, 40])
def test_few_people_and_a_useless_judge_are_never_much_wider(people: int) -> None:
    found = _estimates(43, {"agreement": 0.5}, studies=300, people=people)
    assert max(_width(one.estimate) / _width(one.people) for one in found) <= 1.02


def test_agrees_with_the_formulas_of_the_paper() -> None:
    """PPI++ with power tuning for a mean (Angelopoulos, Duchi and Zrnic 2023), by hand."""
    drawn = sampled(np.random.default_rng(44), 1, PROMPTS, PEOPLE)
    human, judge, asked = drawn.human[0], drawn.judge[0], drawn.asked[0]
    y, g, others = human[asked], judge[asked], judge[~asked]
    weight = np.cov(y, g)[0, 1] / ((1 + len(y) / len(others)) * judge.var())
    found = predicted_win_rate(human, judge, asked)
    assert found.weight == pytest.approx(weight)
    assert found.estimate.value == pytest.approx(y.mean() + weight * (others.mean() - g.mean()))
    assert (found.estimate.n, found.judged) == (PEOPLE, PROMPTS)


def test_prompts_with_both_bad_stay_out_of_the_share() -> None:
    """People see no preference on prompts that the judge takes for wins; their win rate on the others is one half."""
    rng = np.random.default_rng(45)
    held = []
    for _ in range(600):
        bad = rng.random(PROMPTS) < 0.3
        truth = (rng.random(PROMPTS) < 0.5).astype(np.float64)
        judge = np.where(bad, 1.0, np.where(rng.random(PROMPTS) < 0.85, truth, 1 - truth))
        asked = rng.random(PROMPTS) < 0.3
        found = predicted_win_rate(np.where(asked & ~bad, truth, np.nan), judge, asked)
        held.append(_covers(found.estimate, 0.5))
    assert np.mean(held) >= 0.93


@pytest.mark.parametrize("case", ["constant judge", "everybody asked", "two people", "nobody"])
def test_where_the_judge_cannot_help_people_are_alone(case: str) -> None:
    drawn = sampled(
        np.random.default_rng(46), 1, 60, {"two people": 2, "nobody": 0, "everybody asked": 60}.get(case, 20)
    )
    judge = np.full(60, 0.7) if case == "constant judge" else drawn.judge[0]
    found = predicted_win_rate(drawn.human[0], judge, drawn.asked[0])
    assert found.estimate == found.people
    assert (found.saved, found.weight) == (0, 0.0)


def test_prompts_that_the_judge_did_not_score_are_left_out() -> None:
    drawn = sampled(np.random.default_rng(47), 1, PROMPTS, PEOPLE)
    judge = drawn.judge[0].copy()
    judge[:100] = np.nan
    found = predicted_win_rate(drawn.human[0], judge, drawn.asked[0])
    assert found == predicted_win_rate(drawn.human[0][100:], judge[100:], drawn.asked[0][100:])
    assert found.judged == 500


def _stopped(seed: int, *, share: float = 0.25, trust: tuple[float, ...] = (0.0, 0.5, 1.0), **judge: float) -> float:
    """The share of studies that stop at some look, each prompt sent to people with probability `share`."""
    rng = np.random.default_rng(seed)
    drawn = sampled(rng, STUDIES, PROMPTS, PROMPTS, **judge)
    asked = rng.random(drawn.asked.shape) < share
    human, probability = np.where(asked, drawn.human, np.nan), np.full(asked.shape, share)
    path = predicted_log_wealth(human, drawn.judge, asked, probability, horizon=PROMPTS, trust=trust)
    return float(np.mean(path.max(axis=1) >= THRESHOLD))


@pytest.mark.parametrize(("agreement", "likes_tuned"), [(0.8, 0.0), (0.8, 0.5), (0.5, 0.0)])
def test_e_values_err_at_most_five_percent_whatever_the_judge(agreement: float, likes_tuned: float) -> None:
    assert _stopped(51, agreement=agreement, likes_tuned=likes_tuned) <= 0.05


def test_a_judge_that_agrees_finds_more_and_one_that_does_not_costs_little() -> None:
    alone = _stopped(52, win_rate=0.6, trust=(0.0,))
    assert _stopped(52, win_rate=0.6, agreement=0.8) >= alone + 0.08
    assert _stopped(52, win_rate=0.6, agreement=0.5) >= alone - 0.08


def test_people_alone_are_the_test_without_a_judge() -> None:
    rng = np.random.default_rng(53)
    drawn = sampled(rng, 1, PROMPTS, PEOPLE)
    path = predicted_log_wealth(
        drawn.human, drawn.judge, drawn.asked, np.full((1, PROMPTS), 0.25), horizon=PROMPTS, trust=(0.0,)
    )
    alone = log_wealth(drawn.human[drawn.asked], 0.5, fixed_bets(PEOPLE))
    assert path[0, -1] == pytest.approx(alone[-1])


@pytest.mark.parametrize("probability", [0.01, 0.25, 1.0])
@pytest.mark.parametrize("null", [0.4, 0.5])
def test_wealth_stays_positive_at_the_worst(probability: float, null: float) -> None:
    """Every prompt a loss that the judge took for a win, and the other way round."""
    for human, judge in ((0.0, 1.0), (1.0, 0.0)):
        shape = (400,)
        path = predicted_log_wealth(
            np.full(shape, human),
            np.full(shape, judge),
            np.ones(shape, dtype=np.bool_),
            np.full(shape, probability),
            horizon=1,
            null=null,
        )
        assert np.isfinite(path).all()


def test_only_prompts_before_the_first_open_one_are_settled() -> None:
    asked = np.array([False, True, False, True, False])
    assert settled(asked, np.array([False, True, False, False, False])) == 3
    assert settled(asked, np.array([False, True, False, True, False])) == 5
