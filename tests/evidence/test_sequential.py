"""Which prompts are closed, and what is said of stopping."""

from __future__ import annotations

import numpy as np
import pytest

from eval.evidence.judgements import BASE, BOTH_BAD, TIE, TUNED, of_arrays
from eval.evidence.sequential.sequential import Progress, closed_in, closed_prompts, progress
from tests.evidence.studies import verdicts

NAN = float("nan")


def run(scores: list[float], *, horizon: int = 100, left: int | None = None) -> Progress:
    """Progress of a study with one reviewer a prompt."""
    closed = closed_prompts(np.arange(len(scores)), np.array(scores), np.ones(horizon, dtype=np.intp))
    return progress(closed, horizon=horizon, left=left)


def test_prompts_enter_in_the_order_in_which_they_close() -> None:
    item = np.array([0, 1, 2, 1, 0, 2, 2])
    score = np.array([1.0, 0.0, 1.0, 0.5, 0.0, 1.0, 1.0])
    closed = closed_prompts(item, score, np.array([2, 2, 3, 1]))
    assert closed.scores.tolist() == [0.25, 0.5, 1.0]
    assert (closed.closed, closed.begun, closed.waiting) == (3, 0, 0)


def test_an_open_prompt_waits_and_is_counted() -> None:
    closed = closed_prompts(np.array([0, 0, 1]), np.array([1.0, 1.0, 0.0]), np.array([3, 1, 5]))
    assert closed.scores.tolist() == [0.0]
    assert (closed.closed, closed.begun, closed.waiting, closed.per_prompt) == (1, 1, 2, 4.0)


def test_a_verdict_beyond_the_plan_changes_nothing() -> None:
    closed = closed_prompts(np.array([0, 0, 0]), np.array([1.0, 1.0, 0.0]), np.array([2]))
    assert closed.scores.tolist() == [1.0]


def test_both_bad_closes_a_prompt_and_says_nothing_of_preference() -> None:
    closed = closed_prompts(np.array([0, 0, 1]), np.array([NAN, 1.0, NAN]), np.array([2, 1]))
    assert closed.scores.tolist() == [1.0]
    assert closed.closed == 2


def test_a_table_and_a_plan_give_the_same_with_unjudged_items_open() -> None:
    table = of_arrays([0, 1, 0, 2], [TUNED, BASE, TIE, BOTH_BAD])
    closed = closed_in(table, {"0": 2, "1": 3, "2": 1, "never judged": 5})
    assert closed.scores.tolist() == [0.75]
    assert (closed.closed, closed.begun, closed.waiting, closed.per_prompt) == (2, 1, 1, 4.0)
    assert closed_in(table, {}).scores.tolist() == []


def test_no_verdicts_are_no_evidence() -> None:
    found = run([])
    assert (found.n, found.log_e, found.p_value, found.stop, found.low, found.high) == (0, 0.0, 1.0, False, 0.0, 1.0)
    assert found.in_words == "too early to say: 0 prompts are closed, 10 are needed for a rate"


@pytest.mark.parametrize("score", [0.5, NAN], ids=["all ties", "all both bad"])
def test_no_preference_never_stops(score: float) -> None:
    found = run([score] * 80)
    assert (found.stop, found.log_highest) == (False, 0.0)
    assert found.in_words in {
        "not at the present rate",
        "too early to say: 0 prompts are closed, 10 are needed for a rate",
    }


def test_a_clear_preference_may_stop() -> None:
    found = run([1.0] * 18 + [0.0] * 2)
    assert found.stop
    assert found.p_value <= 0.05
    assert found.more == 0
    assert found.in_words.endswith("; you may stop now")
    assert found.low > 0.5


@pytest.mark.parametrize(
    ("scores", "left", "state", "words"),
    [
        ([1.0] * 25 + [0.0] * 30, 45, "contradicted", "shown after 7 prompts, contradicted since"),
        ([1.0] * 25 + [0.0] * 30, 0, "contradicted", "shown after 7 prompts, contradicted since"),
        ([1.0] * 25 + [0.0] * 18, 45, "weaker", "shown after 7 prompts, weaker since: judge the rest of the plan"),
        ([1.0] * 25 + [0.0] * 18, 0, "weaker", "shown after 7 prompts, weaker since: not shown by all of them"),
        ([1.0] * 25 + [0.0] * 5, 45, "shown", "shown after 7 prompts; you may stop now"),
        ([1.0] * 25 + [0.0] * 5, 0, "shown", "shown after 7 prompts"),
        ([0.0] * 30, 45, "refuted", "refuted: the win rate lies below 50%"),
        ([1.0, 0.0] * 20, 0, "not shown", "every planned judgement is given, and it is not shown"),
    ],
)
def test_what_was_shown_once_must_hold_of_all_that_is_in(
    scores: list[float], left: int, state: str, words: str
) -> None:
    found = run(scores, left=left)
    assert (found.state, found.in_words) == (state, words)
    assert found.early == (30 if state == "shown" and left else None)


def test_a_skipped_prompt_keeps_its_place_and_is_a_loss_until_it_is_judged() -> None:
    item, score, planned = np.array([0, 1, 2, 3]), np.array([1.0, 1.0, 1.0, 0.0]), np.ones(6, dtype=np.intp)
    never = np.full(6, np.inf)
    put_off = never.copy()
    put_off[[3, 4]] = (1, 2)
    closed = closed_prompts(item, score, planned, put_off)
    assert closed.scores.tolist() == [1.0, 0.0, 1.0, 0.0, 1.0]
    assert closed.skipped.tolist() == [False, False, False, True, False]
    assert closed.best.tolist() == [1.0, 0.0, 1.0, 1.0, 1.0]
    assert closed_prompts(item, score, planned, never).scores.tolist() == [1.0, 1.0, 1.0, 0.0]


def test_early_and_late_contradict_each_other_only_across_the_bound() -> None:
    assert run([1.0] * 40 + [0.0] * 40).drifted
    assert not run([1.0] * 50 + [1.0, 0.0, 1.0] * 16).drifted
    assert not run([1.0] * 9 + [0.0] * 9).drifted


def test_non_inferiority_stops_where_superiority_cannot() -> None:
    scores = verdicts(np.random.default_rng(32), (1, 600, 1))[0, :, 0]
    closed = closed_prompts(np.arange(600), scores, np.ones(600, dtype=np.intp))
    assert not progress(closed, horizon=600).stop
    assert progress(closed, horizon=600, null=0.4).stop


def test_more_judgements_are_about_as_many_as_it_then_takes() -> None:
    """A study at 60% that is not done after 100 prompts."""
    scores = np.tile([1.0, 1.0, 1.0, 0.0, 0.0], 200)
    at = run(list(scores[:100]), horizon=300)
    assert at.more is not None
    needed = next(n for n in range(100, 1001) if run(list(scores[:n]), horizon=300).stop) - 100
    assert needed / 2 <= at.more <= needed * 2
    assert at.in_words == f"about {at.more} more judgements at the present rate"


def test_more_judgements_count_reviewers_and_verdicts_given_already() -> None:
    scores = np.tile([1.0, 1.0, 1.0, 0.0, 0.0], 20)
    single = run(list(scores), horizon=300)
    item, score = np.repeat(np.arange(100), 3), np.repeat(scores, 3)
    triple = progress(closed_prompts(item, score, np.full(300, 3)), horizon=300)
    assert single.more is not None
    assert triple.more == pytest.approx(3 * single.more, rel=0.1)


def test_a_plan_that_is_too_small_is_told() -> None:
    found = run(list(np.tile([1.0, 1.0, 1.0, 0.0, 0.0], 20)), left=3)
    assert found.in_words.endswith(f"about {found.more} more judgements at the present rate, and the plan holds 3")
