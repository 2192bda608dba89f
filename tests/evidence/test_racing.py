"""Who of several candidates is asked no more, and that choosing one is paid for."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.sweep_racing import drawn, raced, released, sequences
from eval.evidence.sequential.e_process import Floats, confidence_sequence, fixed_bets
from eval.evidence.sequential.racing import Entrant, checkpoints, people_needed, race, selected_alpha
from eval.evidence.sequential.sequential import ClosedPrompts


def closed(scores: Floats, *, identical: int = 0, horizon: int = 300) -> Entrant:
    done = ClosedPrompts(scores, np.zeros(len(scores), dtype=np.bool_), len(scores), 0, 0, 1.0)
    return Entrant(done, horizon, identical)


def won(share: float, n: int, seed: int = 0) -> Entrant:
    return closed((np.random.default_rng(seed).random(n) < share).astype(np.float64))


def test_the_lower_half_is_dropped_at_checkpoints_and_a_later_look_finds_the_same() -> None:
    assert [checkpoints(k, 300) for k in (1, 2, 3, 4, 8)] == [[], [150], [100, 200], [100, 200], [75, 150, 225]]
    scores = {name: won(share, 300, seed) for seed, (name, share) in enumerate({"a": 0.3, "b": 0.7, "c": 0.5}.items())}
    at_100 = {name: closed(one.closed.scores[:100]) for name, one in scores.items()}
    first = race(at_100, of=3, rule="halving")
    assert set(first.dropped) == {"a"}
    assert first.dropped["a"] == f"{scores['a'].closed.scores[:100].mean():.1%} after 100 prompts, in the lower half"
    later = race(scores | {"a": at_100["a"]}, of=3, rule="halving")
    assert set(later.dropped) == {"a", "c"}
    assert later.dropped["a"] == first.dropped["a"]
    assert (later.best, later.running) == ("b", ("b",))


def test_nobody_is_dropped_before_every_candidate_is_there() -> None:
    found = race({"a": won(0.1, 299), "b": won(0.9, 100), "c": won(0.5, 99)}, of=3, rule="halving")
    assert found.dropped == {}


def test_surely_worse_is_below_the_best_ones_lower_end_at_the_level_of_all() -> None:
    found = race({"bad": won(0.2, 300), "good": won(0.8, 300)}, of=2)
    assert found.dropped == {"bad": "its upper end is below good's lower end"}
    assert found.bounds["bad"].high < found.bounds["good"].low
    alone = confidence_sequence(won(0.8, 300).closed.scores, fixed_bets(300, alpha=0.025), alpha=0.025)
    assert (found.bounds["good"].low, found.bounds["good"].high) == alone
    assert race({"bad": won(0.45, 300), "good": won(0.55, 300)}, of=2).dropped == {}


def test_who_was_dropped_stays_dropped() -> None:
    found = race({"a": won(0.9, 200), "b": won(0.5, 200)}, of=2, gone={"a": "for a reason"})
    assert (found.dropped["a"], found.running) == ("for a reason", ("b",))


def test_before_any_verdict_everybody_runs() -> None:
    found = race({"a": won(0.5, 0), "b": won(0.5, 0)}, of=2)
    assert (found.dropped, found.running) == ({}, ("a", "b"))
    assert [(one.value, one.low, one.high) for one in found.bounds.values()] == [(None, 0.0, 1.0)] * 2


def test_the_simulation_bounds_by_the_same_sequence() -> None:
    scores = (np.random.default_rng(3).random((1, 2, 120)) < 0.6).astype(np.float64)
    low, high = sequences(scores, 0.0125)
    for arm in range(2):
        for n in (20, 75, 120):
            bets = fixed_bets(120, alpha=0.0125)
            expected = confidence_sequence(scores[0, arm, :n], bets, alpha=0.0125)
            assert (low[0, arm, n - 1], high[0, arm, n - 1]) == pytest.approx(expected, abs=0.0021)


def test_the_best_of_several_equal_ones_is_released_too_often_unless_it_is_paid_for() -> None:
    """1,000 sweeps of 8 candidates that are no better: 5% is promised."""
    scores = drawn(np.random.default_rng(5), 1000, np.full(8, 0.5), 200)
    best = scores[np.arange(1000), scores.mean(axis=2).argmax(axis=1)]
    assert released(best, 0.05, 200).mean() > 0.05
    assert released(best, selected_alpha(0.05, 8), 200).mean() < 0.02
    for rule in ("sure", "halving"):
        assert raced(scores[:300], rule).released.mean() < 0.05


def test_a_candidate_that_hardly_changed_is_not_raced_on_the_few_prompts_that_it_did() -> None:
    """80% of 20 prompts, beside 280 answers that are the base's, against 65% of 300."""
    few = closed(np.repeat([1.0, 0.0], [16, 4]), identical=280, horizon=20)
    many = closed(np.tile(np.repeat([1.0, 0.0], [13, 7]), 15))
    found = race({"few": few, "many": many}, of=2, rule="halving")
    assert (found.best, set(found.dropped)) == ("many", {"few"})
    assert found.bounds["few"].value == pytest.approx(0.52)
    assert found.bounds["few"].high < 0.54


def test_prompts_whose_answers_were_both_bad_hold_nobody_up() -> None:
    none = Entrant(ClosedPrompts(np.zeros(0), np.zeros(0, dtype=np.bool_), 300, 0, 0, 1.0), 300)
    found = race({"bad": none, "good": won(0.6, 300)}, of=2, rule="halving")
    assert set(found.dropped) == {"bad"}


def test_how_many_reviewers_a_sweep_needs() -> None:
    assert [people_needed(k, "sure") for k in (1, 2, 8)] == [1, 2, 8]
    assert [people_needed(k, "halving") for k in (1, 2, 4, 8)] == [1, 2, 3, 4]
