"""The rule on people's preference, by the policy's method: shown, refuted, or open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eval.answers import Answers
from eval.collect.model_tasks.rows import read_model_verdicts
from eval.errors import InputError
from eval.evidence.estimates.winrate import Estimate
from eval.evidence.judgements import Judgements
from eval.evidence.sequential.plan_progress import judgements_left, skipped_open, within_plan
from eval.evidence.signals.model_judge import beside_people, with_judge, with_skips
from eval.evidence.signals.ppi import predicted_log_wealth, settled
from eval.evidence.verdict import RunVerdict, missing, run_verdict
from eval.judge.setup.planning import inclusion_chances, is_planned, planned_reviewers
from eval.policy import Policy
from eval.run import Run


@dataclass(frozen=True)
class PreferenceResult:
    """The human win rate as the policy's method sees it: a one-sided claim, shown, refuted, or still open.

    `spent`: no judgement is left that could still settle it. `advice`: what to do next, as half a sentence.
    """

    estimate: Estimate
    shown: bool
    refuted: bool
    spent: bool
    advice: str = ""
    #: Where a model judge entered: how many human judgements that saved.
    saved: int | None = None


def preferred(run: Run, answers: Answers, table: Judgements, policy: Policy) -> tuple[PreferenceResult, RunVerdict]:
    """What the verdicts of a run say of the policy's claim. Raises InputError where a model judge is asked for and
    none judged."""
    plan = planned_reviewers(run, answers)
    verdict = run_verdict(table, plan, policy, planned=is_planned(run))
    if policy.preference.predicted:
        return _predicted(run, answers, within_plan(table, plan) if is_planned(run) else table, policy, plan), verdict
    return of_verdict(verdict), verdict


def of_verdict(verdict: RunVerdict) -> PreferenceResult:
    """The policy's claim as people's verdicts alone have it."""
    state, spent = verdict.state, not verdict.progress.left
    return PreferenceResult(
        verdict.quoted,
        shown=state == "shown",
        refuted=state in ("refuted", "contradicted") or (verdict.one_look and state == "not shown"),
        spent=spent,
        advice=verdict.advice,
    )


def _predicted(run: Run, answers: Answers, table: Judgements, policy: Policy, plan: dict[str, int]) -> PreferenceResult:
    """People's win rate with a model judge's help: prompts that people were drawn for, and those that only it saw.

    A prompt that people were drawn for and skipped counts as a loss.
    """
    rows, asked, null = read_model_verdicts(run), policy.preference, policy.null
    if not rows:
        raise InputError(
            f"the policy uses a model judge, and none judged run {run.name}: run `blindside model-judge` first"
        )
    drawn, left, skipped = inclusion_chances(run, answers), judgements_left(table, plan), set(skipped_open(table, plan))
    found = with_skips(beside_people(rows, table, list(drawn)), skipped)
    people = np.array([item in plan for item in drawn], dtype=np.bool_)
    whole = with_judge(found, people, confidence=asked.confidence)
    if asked.method == "fixed":
        due = judgements_left(table, {item: n for item, n in plan.items() if item not in skipped})
        return _by_interval(whole.estimate, null, due, left, whole.saved)
    scored = ~np.isnan(found.judge)
    judged = dict(zip(table.items, table.judged.tolist(), strict=True))
    closed = np.array([item in skipped or judged.get(item, 0) >= plan.get(item, 0) for item in drawn])
    upto, chances = settled(people[scored], closed[scored]), np.array(list(drawn.values()))
    first = np.flatnonzero(scored)[:upto]
    path = np.zeros(1)
    if upto:
        path = predicted_log_wealth(
            found.human[first],
            found.judge[first],
            people[first],
            chances[first],
            horizon=len(drawn),
            null=null,
            alpha=1 - asked.confidence,
        )
    once = float(path.max()) >= np.log(1 / (1 - asked.confidence))
    now = whole.estimate
    against = once and now.value is not None and now.value <= null
    shown = once and not against and now.low is not None and now.low > null
    advice = "shown" if shown else "shown at a look, contradicted since" if against else ""
    if not advice and not left:
        advice = "every drawn prompt is judged, and it is not shown"
    return PreferenceResult(now, shown=shown, refuted=against, spent=not left, advice=advice, saved=whole.saved)


def _by_interval(estimate: Estimate, null: float, due: int, left: int, saved: int) -> PreferenceResult:
    """One look, at the end of the plan: before it the interval promises nothing to somebody who may continue."""
    if due:
        return PreferenceResult(estimate, False, False, spent=False, advice=missing(left))
    shown = estimate.low is not None and estimate.low > null
    return PreferenceResult(estimate, shown=shown, refuted=not shown and not left, spent=not left, saved=saved)
