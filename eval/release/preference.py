"""The rule on people's preference, by the policy's method: shown, refuted, or still open."""

from __future__ import annotations

import numpy as np

from eval.errors import InputError
from eval.evidence.judges import beside_people, helped
from eval.evidence.predicted import predicted_log_wealth, settled
from eval.evidence.sequential import Progress, closed_in, progress
from eval.evidence.table import Table
from eval.evidence.winrate import Estimate, prompt_scores, win_rate
from eval.judge.plan import draw_of, plan_of
from eval.release.findings import Preferred
from eval.release.policy import Preference
from eval.run import Run


def preferred(run: Run, table: Table, asked: Preference) -> Preferred:
    """What the verdicts of a run say of the policy's claim. Raises InputError where a model judge is asked for and
    none judged."""
    plan = plan_of(run)
    null = 0.5 - (asked.margin if asked.rule == "non_inferiority" else 0.0)
    judged = dict(zip(table.items, np.bincount(table.item, minlength=len(table.items)).tolist(), strict=True))
    left = sum(max(0, reviewers - judged.get(item, 0)) for item, reviewers in plan.items())
    if asked.predicted:
        return _predicted(run, table, asked, plan, null, left)
    estimate = win_rate(prompt_scores(table), confidence=asked.confidence)
    if asked.method == "fixed":
        return _by_interval(estimate, null, left)
    found = _sequential(table, plan, null, asked, left)
    advice = found.in_words if left or found.stop else "every planned judgement is given, and it is not shown"
    return Preferred(estimate, shown=found.stop, refuted=found.high < null, spent=not left, advice=advice)


def _sequential(table: Table, plan: dict[str, int], null: float, asked: Preference, left: int) -> Progress:
    closed = closed_in(table, plan)
    return progress(closed, horizon=max(1, len(plan)), null=null, alpha=1 - asked.confidence, left=left)


def _by_interval(estimate: Estimate, null: float, left: int, saved: int | None = None) -> Preferred:
    """One look, at the end of the plan: before it the interval promises nothing to somebody who may go on."""
    if left:
        return Preferred(estimate, False, False, spent=False, advice=f"{left:,} planned judgements are missing")
    shown = estimate.low is not None and estimate.low > null
    return Preferred(estimate, shown=shown, refuted=not shown, spent=True, saved=saved)


def _predicted(run: Run, table: Table, asked: Preference, plan: dict[str, int], null: float, left: int) -> Preferred:
    """People's win rate with a model judge's help: prompts that people were drawn for, and those that only it saw."""
    drawn = draw_of(run)
    found = beside_people(run, table, list(drawn))
    if found is None:
        raise InputError(
            f"the policy lets a model judge help, and none judged run {run.name}: run `blindside model-judge` first"
        )
    people = np.array([item in plan for item in drawn], dtype=np.bool_)
    whole = helped(found, people, confidence=asked.confidence)
    if asked.method == "fixed":
        return _by_interval(whole.estimate, null, left, whole.saved)
    scored = ~np.isnan(found.judge)
    judged = dict(zip(table.items, np.bincount(table.item, minlength=len(table.items)).tolist(), strict=True))
    closed = np.array([judged.get(item, 0) >= plan.get(item, 0) for item in drawn])
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
    shown = float(path.max()) >= np.log(1 / (1 - asked.confidence))
    advice = "you may stop now" if shown else "every drawn prompt is judged, and it is not shown" if not left else ""
    return Preferred(whole.estimate, shown=shown, refuted=False, spent=not left, advice=advice, saved=whole.saved)
