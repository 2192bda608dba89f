"""The rule on people's preference, by the policy's method: shown, refuted, or still open."""

from __future__ import annotations

import numpy as np

from eval.answers import Answers
from eval.collect.model_judge import read_model_verdicts
from eval.errors import InputError
from eval.evidence.judges import beside_people, helped
from eval.evidence.predicted import predicted_log_wealth, settled
from eval.evidence.standing import judgements_left, standing
from eval.evidence.table import Table
from eval.evidence.winrate import Estimate, prompt_scores, win_rate
from eval.judge.plan import draw_of, plan_of
from eval.release.findings import Preferred
from eval.release.policy import Preference
from eval.run import Run


def preferred(run: Run, answers: Answers, table: Table, asked: Preference) -> Preferred:
    """What the verdicts of a run say of the policy's claim. Raises InputError where a model judge is asked for and
    none judged."""
    plan = plan_of(run, answers)
    null = 0.5 - (asked.margin if asked.rule == "non_inferiority" else 0.0)
    if asked.predicted:
        return _predicted(run, answers, table, asked, plan, null)
    estimate, left = win_rate(prompt_scores(table), confidence=asked.confidence), judgements_left(table, plan)
    if asked.method == "fixed":
        return _by_interval(estimate, null, left)
    found = standing(table, plan, null=null, alpha=1 - asked.confidence)
    advice = found.in_words if left or found.stop else "every planned judgement is given, and it is not shown"
    return Preferred(estimate, shown=found.stop, refuted=found.high < null, spent=not left, advice=advice)


def _by_interval(estimate: Estimate, null: float, left: int, saved: int | None = None) -> Preferred:
    """One look, at the end of the plan: before it the interval promises nothing to somebody who may go on."""
    if left:
        return Preferred(estimate, False, False, spent=False, advice=f"{left:,} planned judgements are missing")
    shown = estimate.low is not None and estimate.low > null
    return Preferred(estimate, shown=shown, refuted=not shown, spent=True, saved=saved)


def _predicted(
    run: Run, answers: Answers, table: Table, asked: Preference, plan: dict[str, int], null: float
) -> Preferred:
    """People's win rate with a model judge's help: prompts that people were drawn for, and those that only it saw."""
    rows = read_model_verdicts(run)
    if not rows:
        raise InputError(
            f"the policy lets a model judge help, and none judged run {run.name}: run `blindside model-judge` first"
        )
    drawn, left = draw_of(run, answers), judgements_left(table, plan)
    found = beside_people(rows, table, list(drawn))
    people = np.array([item in plan for item in drawn], dtype=np.bool_)
    whole = helped(found, people, confidence=asked.confidence)
    if asked.method == "fixed":
        return _by_interval(whole.estimate, null, left, whole.saved)
    scored = ~np.isnan(found.judge)
    judged = dict(zip(table.items, table.judged.tolist(), strict=True))
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
