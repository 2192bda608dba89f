"""The audit finds the habits that were put in, not those that were not; its model agrees with statsmodels."""

from __future__ import annotations

import numpy as np
import pytest

from eval.evidence.estimates.bootstrap import SignedEstimate
from eval.evidence.estimates.contrast import contrast
from eval.evidence.estimates.logistic import fit_logistic
from eval.evidence.estimates.winrate import Estimate
from eval.evidence.judgements import BASE, BOTH_BAD, TIE, TUNED, Judgements, of_arrays
from eval.evidence.reviewers.bias import LABELS, bias, length
from tests.evidence.studies import Floats

NOTHING = Estimate(None, None, None, 0)


def holds(estimate: Estimate | SignedEstimate, value: float) -> bool:
    return estimate.low is not None and estimate.high is not None and estimate.low <= value <= estimate.high


def study(
    seed: int, *, prompts: int = 300, reviewers: int = 2, win_rate: float = 0.5, left: float = 0.0, slope: float = 0.0
) -> Judgements:
    """Verdicts of which a share `left` goes to the answer on the left whatever it says, and longer answers win."""
    rng = np.random.default_rng(seed)
    item, reviewer = np.repeat(np.arange(prompts), reviewers), np.tile(np.arange(reviewers), prompts)
    words = rng.integers(20, 200, size=(prompts, 2))
    ratio = np.log((words[:, 1] + 1) / (words[:, 0] + 1))
    odds = np.log(win_rate / (1 - win_rate)) + slope * np.tanh(ratio / np.sqrt((ratio**2).mean()))
    mean = 1 / (1 + np.exp(-odds))
    prefers = rng.random(len(item)) < rng.beta(2 * mean, 2 * (1 - mean))[item]
    place = rng.integers(2, size=len(item))
    outcome = np.where(rng.random(len(item)) < left, place, np.where(prefers, TUNED, BASE))
    seconds = rng.lognormal(2, 1, size=len(item))
    return of_arrays(item, outcome, reviewer=reviewer, left=place, seconds=seconds, characters=words)


def test_a_habit_of_pressing_left_is_found() -> None:
    found = bias(study(2, left=0.3))
    assert holds(found.left, 0.65)
    assert not holds(found.left, 0.5)
    assert holds(found.places.difference, 0.3)
    assert found.places.p_value is not None
    assert found.places.p_value < 1e-6
    assert holds(found.late.difference, 0.0)
    assert holds(found.fast.difference, 0.0)


def test_where_there_is_no_habit_none_is_found_but_by_chance() -> None:
    """Five intervals a study, each of which may miss one time in twenty."""
    missed = 0
    for seed in range(100):
        found = bias(study(seed, prompts=60))
        contrasts = (found.places, found.late, found.fast)
        missed += sum(not holds(one.difference, 0.0) for one in contrasts) + (not holds(found.left, 0.5))
    assert 0.02 <= missed / 400 <= 0.08


def test_a_reviewer_who_always_presses_left() -> None:
    """Everything says so, and the win rate says nothing."""
    place = np.arange(60) % 2
    found = bias(of_arrays(np.arange(60), place, left=place))
    assert (found.left.value, found.places.first.value, found.places.second.value) == (1.0, 1.0, 0.0)
    assert found.places.difference.value == 1.0


def test_halves_and_speed_are_each_reviewers_own() -> None:
    reviewer = [0, 0, 0, 0, 1, 1]
    outcome = [BASE, BASE, TUNED, TUNED, BASE, TUNED]
    table = of_arrays(range(6), outcome, reviewer=reviewer, seconds=[1, 2, 3, 4, 100, 200])
    found = bias(table)
    assert (found.late.first.value, found.late.first.n, found.late.second.value) == (1.0, 3, 0.0)
    assert (found.fast.first.value, found.fast.first.n, found.fast.second.value) == (0.0, 3, 1.0)


def test_longer_answers_that_win_for_their_length_are_seen_through() -> None:
    table = study(3, prompts=600, slope=1.5)
    longer = table.facts.characters[:, 1] > table.facts.characters[:, 0]
    mostly_longer = table.where(longer[table.item] | (np.arange(len(table)) % 5 == 0))
    found = length(mostly_longer)
    assert not holds(found.raw, 0.5)
    assert holds(found.controlled, 0.5)
    assert holds(found.effect, 1.5)
    assert found.p_value is not None
    assert found.p_value < 1e-6
    assert not holds(found.longer, 0.5)


def test_the_controlled_win_rate_covers_the_truth() -> None:
    found = [length(study(seed, prompts=80, win_rate=0.6, slope=1.0)).controlled for seed in range(400)]
    assert 0.925 <= np.mean([holds(one, 0.6) for one in found]) <= 0.98


def _dubious(seed: int = 20) -> tuple[Floats, Floats]:
    """Columns and shares for the model, shape (120, 2) and (120,)."""
    rng = np.random.default_rng(seed)
    ratio = rng.normal(0.3, 0.8, 120).round(3)
    bounded = np.tanh(ratio / np.sqrt((ratio**2).mean()))
    share = 1 / (1 + np.exp(-(0.2 + 0.9 * bounded)))
    return np.column_stack([np.ones(120), bounded]), rng.binomial(4, share) / 4


def test_the_model_is_that_of_statsmodels() -> None:
    """statsmodels 0.15.0: GLM(y, x, family=Binomial()).fit(cov_type="cluster", cov_kwds={"groups": arange(120)})."""
    fit = fit_logistic(*_dubious())
    assert fit is not None
    assert fit.coefficients == pytest.approx([0.4021801, 0.61677006], abs=1e-8)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx([0.08837209, 0.14016468], abs=1e-8)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([[1.0, -1.0], [1.0, -2.0], [1.0, 1.0], [1.0, 2.0]], [0.0, 0.0, 1.0, 1.0]),
        ([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]], [0.0, 1.0, 1.0]),
        ([[1.0, 2.0]], [1.0]),
        ([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]], [1.0, 1.0, 1.0]),
    ],
    ids=["separated", "constant", "too few", "all alike"],
)
def test_no_finite_fit_is_said(x: list[list[float]], y: list[float]) -> None:
    assert fit_logistic(np.array(x), np.array(y)) is None


def test_bins_hold_every_prompt_once() -> None:
    words = np.array([[99, 0], [99, 49], [99, 69], [99, 99], [99, 129], [99, 199], [0, 500]])
    found = length(of_arrays(range(7), [TUNED, BASE] * 3 + [TIE], characters=words))
    assert [one.label for one in found.bins] == list(LABELS)
    assert [one.win_rate.n for one in found.bins] == [2, 1, 1, 1, 2]
    assert [one.win_rate.value for one in found.bins] == [0.5, 1.0, 0.0, 1.0, 0.25]


def test_a_model_that_is_always_shorter_says_so() -> None:
    words = np.array([[100, 20 + n] for n in range(40)])
    found = length(of_arrays(range(40), np.arange(40) % 2, characters=words))
    assert found.controlled == Estimate(None, None, None, 40)
    assert found.longer.value == 0.5


@pytest.mark.parametrize(("longer", "told"), [(3, False), (4, True), (36, True), (37, False)])
def test_equal_length_is_read_off_where_a_tenth_of_the_prompts_lie_on_either_side(longer: int, told: bool) -> None:
    lengths = np.array([[100, 130 + n] if n < longer else [100, 90 - n] for n in range(40)])
    found = length(of_arrays(range(40), [TUNED, TUNED, BASE] * 13 + [TIE], characters=lengths))
    assert (found.controlled.low is not None) == told


def test_equal_lengths_leave_the_win_rate_as_it_is() -> None:
    found = length(of_arrays(range(30), np.arange(30) % 3 % 2))
    assert found.controlled == found.raw
    assert (found.effect.value, found.longer, found.p_value) == (None, NOTHING, None)


@pytest.mark.parametrize(
    "table",
    [
        of_arrays([], []),
        of_arrays([0], [TUNED]),
        of_arrays([0, 1], [BOTH_BAD, BOTH_BAD]),
        of_arrays([0, 1, 2], [TIE] * 3),
        of_arrays([0, 0, 0], [TUNED, BASE, TIE], reviewer=[0, 1, 2]),
    ],
    ids=["no verdicts", "one verdict", "all both bad", "all ties", "one prompt"],
)
def test_edge_tables_say_insufficient(table: Judgements) -> None:
    found = bias(table)
    assert (found.places.difference.low, found.late.difference.low, found.fast.difference.low) == (None,) * 3
    assert found.left.low is None


def test_a_prompt_in_both_groups_is_not_counted_twice() -> None:
    """The same prompts in both groups with the same values: no difference, and certain of it."""
    rng = np.random.default_rng(1)
    value = rng.random(50)
    item = np.concatenate([np.arange(50), np.arange(50)])
    noise = np.concatenate([value, np.clip(value + rng.normal(0, 0.001, 50), 0, 1)])
    found = contrast(item, noise, np.arange(100) < 50, 50).difference
    assert holds(found, 0.0)
    assert found.high is not None
    assert found.high < 0.001
