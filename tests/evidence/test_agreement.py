"""Agreement against the worked examples of those who defined it, at its edges, and its interval by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.evidence.estimates.winrate import Estimate
from eval.evidence.judgements import BASE, TIE, TUNED, of_arrays
from eval.evidence.reviewers.agreement import agreement, coefficients, cohen

#: Krippendorff (2011), example C, also Gwet's: four observers, twelve units, values 1 to 5, 0 where missing.
FOUR_OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)
#: Fleiss (1971), table 1: diagnoses of 30 patients by six psychiatrists each, in five categories.
DIAGNOSES = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""


def counted(ratings: NDArray[np.intp], categories: int) -> NDArray[np.intp]:
    """How often each unit (column) got each of the categories 1 to `categories`."""
    return np.array([[np.count_nonzero(unit == c) for c in range(1, categories + 1)] for unit in ratings.T])


def test_alpha_of_krippendorff_2011_with_missing_data() -> None:
    found = coefficients(counted(FOUR_OBSERVERS, 5))
    assert found.alpha.value == pytest.approx(0.743, abs=5e-4)
    assert found.alpha.n == 11


@pytest.mark.parametrize(
    ("first", "second", "alpha"),
    [("1211111121", "2221121111", 0.095), ("112243335441", "212223335444", 0.692)],
)
def test_alpha_of_krippendorff_2011_for_two_observers(first: str, second: str, alpha: float) -> None:
    ratings = np.array([[int(value) for value in row] for row in (first, second)])
    assert coefficients(counted(ratings, 5)).alpha.value == pytest.approx(alpha, abs=5e-4)


def test_fleiss_1971() -> None:
    counts = np.array([[int(n) for n in row] for row in DIAGNOSES.split()])
    assert (counts.sum(axis=0) / 180).round(3).tolist() == [0.144, 0.144, 0.167, 0.306, 0.239]
    found = coefficients(counts)
    assert found.raw.value == pytest.approx(0.5556, abs=5e-4)
    assert found.fleiss.value == pytest.approx(0.430, abs=5e-4)


def test_ac1_and_kappa_of_gwet_2008() -> None:
    """Two raters who nearly always say yes: kappa falls below zero although they agree on 94%."""
    confusion = np.array([[118, 5], [2, 0]])
    raw, kappa = cohen(confusion)
    assert (raw.value, raw.n) == (0.944, 125)
    assert kappa.value == pytest.approx(-0.0234, abs=5e-5)
    counts = np.repeat([[2, 0], [1, 1]], [118, 7], axis=0)
    assert coefficients(counts).ac1.value == pytest.approx(0.9408, abs=5e-5)


def test_gwets_figures_for_four_raters_with_missing_data() -> None:
    found = coefficients(counted(FOUR_OBSERVERS, 5))
    assert found.ac1.value == pytest.approx(0.77544, abs=5e-6)
    assert found.fleiss.value == pytest.approx(0.76117, abs=5e-6)
    assert found.raw.value == pytest.approx(0.81818, abs=5e-6)


def test_a_single_verdict_is_no_agreement() -> None:
    found = agreement(of_arrays([0, 1, 2], [TUNED, BASE, TIE]))
    assert (found.prompts, found.pairs) == (0, ())
    nothing = Estimate(None, None, None, 0)
    assert {found.coefficients.raw, found.coefficients.alpha, found.coefficients.ac1} == {nothing}


def test_singles_change_neither_raw_nor_alpha() -> None:
    paired = np.array([[2, 0, 0, 0], [1, 1, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0]])
    with_singles = np.vstack([paired, np.repeat([[1, 0, 0, 0]], 50, axis=0)])
    alone, together = coefficients(paired), coefficients(with_singles)
    assert (together.raw.value, together.raw.n) == (alone.raw.value, 4)
    assert together.alpha.value == alone.alpha.value


def test_one_outcome_only_is_undefined_and_not_perfect() -> None:
    found = agreement(of_arrays([0, 0, 1, 1, 2, 2], [TUNED] * 6, reviewer=[0, 1] * 3))
    assert [found.coefficients.alpha.value, found.coefficients.fleiss.value] == [None, None]
    assert found.pairs[0].kappa == Estimate(None, None, None, 3)
    assert found.coefficients.raw.value == 1.0


def test_perfect_agreement_on_few_prompts_is_no_certainty() -> None:
    found = agreement(of_arrays([0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 1, 1, 0, 0, 1, 1], reviewer=[0, 1] * 4))
    for estimate in (found.coefficients.raw, found.coefficients.ac1, found.pairs[0].raw):
        assert estimate.value == 1.0
        assert estimate.low is not None
        assert estimate.low < 0.7


def test_one_shared_prompt_has_a_value_and_no_interval() -> None:
    found = agreement(of_arrays([0, 0, 1], [TUNED, BASE, TUNED], reviewer=[0, 1, 0]))
    assert found.coefficients.raw == Estimate(0.0, None, None, 1)


def test_no_verdicts() -> None:
    found = agreement(of_arrays([], []))
    assert (found.prompts, found.coefficients.alpha) == (0, Estimate(None, None, None, 0))


def test_each_two_reviewers_on_what_both_judged() -> None:
    table = of_arrays([0, 0, 0, 1, 1, 2, 2], [1, 1, 0, 0, 0, 1, 2], reviewer=[2, 0, 1, 1, 0, 0, 1])
    found = agreement(table).pairs
    assert [(pair.first, pair.second, pair.raw.n, pair.raw.value) for pair in found] == [
        ("0", "1", 3, 1 / 3),
        ("0", "2", 1, 1.0),
        ("1", "2", 1, 0.0),
    ]
    assert found[0].kappa.value == pytest.approx(1 / 7)


def test_the_same_verdicts_give_the_same_interval_in_any_order() -> None:
    rng = np.random.default_rng(5)
    item, reviewer = np.repeat(np.arange(40), 3), np.tile(np.arange(3), 40)
    outcome = rng.integers(4, size=120)
    order = rng.permutation(120)
    one = agreement(of_arrays(item, outcome, reviewer=reviewer))
    other = agreement(of_arrays(item[order], outcome[order], reviewer=reviewer[order]))
    assert one.coefficients == other.coefficients


def test_the_interval_of_alpha_covers_the_truth() -> None:
    """80 prompts by three reviewers; each prompt has an answer that a reviewer gives or else guesses."""
    rng = np.random.default_rng(3)
    keeps, studies, units = 0.7, 400, 80
    common = rng.integers(4, size=(studies, units, 1))
    ratings = np.where(rng.random((studies, units, 3)) < keeps, common, rng.integers(4, size=(studies, units, 3)))
    counts = (ratings[..., None] == np.arange(4)).sum(axis=2)
    found = [coefficients(study, draws=500).alpha for study in counts]
    covered = np.mean([e.low is not None and e.high is not None and e.low <= keeps**2 <= e.high for e in found])
    assert 0.925 <= covered <= 0.98
