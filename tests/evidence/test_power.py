"""The plan against simulated studies that are tested as the report tests them."""

from __future__ import annotations

import numpy as np
import pytest

from eval.errors import InputError
from eval.evidence.estimates.winrate import win_rate
from eval.evidence.sequential.e_process import fixed_bets, log_wealth
from eval.evidence.sequential.expected_verdicts import Design, People, kappa, score_distribution, worth
from eval.evidence.sequential.power import detectable, plan
from tests.evidence.studies import Floats

PEOPLE = People(ties=0.2, agreement=0.6)


def _draw(people: People, rate: float, design: Design, prompts: int, *, studies: int = 1000) -> Floats:
    """Prompt scores of studies drawn verdict by verdict from Dirichlet shares, not from the plan's own distribution."""
    rng = np.random.default_rng(61)
    beyond = kappa(people, rate)
    shares = np.array([1 - people.ties / 2 - rate, people.ties, rate - people.ties / 2])
    own = rng.dirichlet(shares * (1 - beyond) / beyond, size=(studies, prompts))
    several = rng.random(prompts) < design.share
    counts = rng.multinomial(np.where(several, design.reviewers, 1), own)
    return np.asarray((counts[..., 2] + counts[..., 1] / 2) / counts.sum(axis=-1))


@pytest.mark.parametrize("design", [Design(1), Design(3), Design(3, 0.2)], ids=lambda d: str(d.in_words))
@pytest.mark.parametrize("power", [0.8, 0.9])
def test_a_plan_keeps_its_promise(design: Design, power: float) -> None:
    (need,) = plan(PEOPLE, win_rates=[0.6], margins=[], powers=[power], designs=[design])
    once = [win_rate(study).low or 0 for study in _draw(PEOPLE, 0.6, design, need.prompts)]
    assert np.mean(np.array(once) > 0.5) == pytest.approx(power, abs=0.04)
    paths = log_wealth(_draw(PEOPLE, 0.6, design, need.prompts_any_time), 0.5, fixed_bets(need.prompts_any_time))
    assert np.mean(paths.max(axis=1) >= np.log(20)) == pytest.approx(power, abs=0.04)


def test_non_inferiority_keeps_its_promise() -> None:
    (need,) = plan(PEOPLE, win_rates=[], margins=[0.1], powers=[0.8], designs=[Design(1)])
    once = [win_rate(study).low or 0 for study in _draw(PEOPLE, 0.5, Design(1), need.prompts)]
    assert np.mean(np.array(once) > 0.4) == pytest.approx(0.8, abs=0.04)


def test_one_reviewer_on_three_prompts_beats_three_on_one() -> None:
    single, triple = plan(PEOPLE, win_rates=[0.6], margins=[], powers=[0.8], designs=[Design(1), Design(3)])
    assert single.judgements < 0.7 * triple.judgements
    assert single.judgements_any_time < 0.7 * triple.judgements_any_time
    assert 1 < worth(PEOPLE, 0.6, 3) < 2
    single_studies = _draw(PEOPLE, 0.6, Design(1), 150)
    triple_studies = _draw(PEOPLE, 0.6, Design(3), 50)
    assert single_studies.mean(axis=1).std() < 0.85 * triple_studies.mean(axis=1).std()


def test_half_of_the_studies_stop_before_the_single_look() -> None:
    for need in plan(PEOPLE, powers=[0.8], designs=[Design(1)]):
        assert need.judgements_half < need.judgements < need.judgements_any_time


def test_the_plan_has_a_row_for_every_question_and_reads_the_same_twice() -> None:
    rows = plan(PEOPLE)
    assert len(rows) == (3 + 2) * 2 * 2
    assert rows == plan(PEOPLE)
    assert (rows[0].win_rate, rows[0].margin, rows[0].power, rows[0].design) == (0.55, 0.0, 0.8, Design(1))
    assert rows[-1].margin == 0.1


def test_smaller_effects_more_power_and_ties_change_the_need_as_they_should() -> None:
    needs = {(row.win_rate, row.power): row.judgements for row in plan(PEOPLE, margins=[], designs=[Design(1)])}
    assert needs[0.55, 0.8] > 3.5 * needs[0.6, 0.8] > 7 * needs[0.65, 0.8]
    assert needs[0.6, 0.9] > needs[0.6, 0.8]
    lost = plan(People(ties=0.2, agreement=0.6, both_bad=0.5), win_rates=[0.6], margins=[], powers=[0.8])[0]
    assert lost.judgements == pytest.approx(2 * needs[0.6, 0.8], abs=1)


@pytest.mark.parametrize("reviewers", [1, 2, 5])
@pytest.mark.parametrize("agreement", [0.2, 0.6, 1.0])
def test_scores_have_the_mean_and_the_variance_of_the_formula(reviewers: int, agreement: float) -> None:
    people = People(ties=0.2, agreement=agreement)
    beyond = kappa(people, 0.6)
    values, probabilities = score_distribution(people, 0.6, Design(reviewers))
    single = 0.5 + 0.2 / 4 - 0.6**2
    assert probabilities.sum() == pytest.approx(1)
    assert values @ probabilities == pytest.approx(0.6)
    assert (values - 0.6) ** 2 @ probabilities == pytest.approx(single * (beyond + (1 - beyond) / reviewers))


def test_what_a_study_can_detect_is_what_the_plan_asks_for_it() -> None:
    (need,) = plan(PEOPLE, win_rates=[0.6], margins=[], powers=[0.8], designs=[Design(1)])
    assert detectable(need.prompts, PEOPLE) == pytest.approx(0.6, abs=0.002)
    assert detectable(1, PEOPLE) is None


def test_contradicting_figures_are_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match="90% ties leave no room for a win rate of 60%: give fewer ties"):
        plan(People(ties=0.9), win_rates=[0.6])
    with pytest.raises(InputError, match="numbers between 0 and 1"):
        plan(People(agreement=60))
    with pytest.raises(InputError, match="a win rate of 45% is not above 50%"):
        plan(win_rates=[0.45])
