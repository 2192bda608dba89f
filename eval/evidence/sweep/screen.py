"""Drops candidates before people judge, by the rules in sweep.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from eval.collect.model_tasks.rows import read_model_verdicts, read_preferences
from eval.errors import InputError, RunError
from eval.evidence.signals.held_out import held_out_accuracy
from eval.run import Run, open_run
from eval.sweep import Candidate, Screen, Signal, Sweep

_SCORES = {"tuned": 1.0, "tie": 0.5, "base": 0.0}


def by_training(sweep: Sweep) -> Sweep:
    """The sweep after its rules on what training logged: before any answer is asked for."""
    for rule in sweep.screen:
        if rule.signal == "held_out_accuracy":
            running = [one for one in sweep.candidates if one.state in ("trained", "collected")]
            figures = {
                one.name: one.figures["held_out_accuracy"] for one in running if "held_out_accuracy" in one.figures
            }
            sweep = _dropped(sweep, rule, figures)
    return sweep


def by_answers(sweep: Sweep, reports: Path) -> Sweep:
    """The sweep after the rules that look at answers: a model judge, and held-out preferences scored on servers.

    Raises InputError where a rule's figure is missing of a candidate: it must not depend on who was asked.
    """
    for rule in sweep.screen:
        runs = {one.name: open_run(reports, one.run) for one in sweep.judged}
        figures = {name: _figure(rule.signal, sweep.candidate(name), run) for name, run in runs.items()}
        sweep = _dropped(sweep, rule, {name: value for name, value in figures.items() if value is not None})
    return sweep


def _figure(signal: Signal, one: Candidate, run: Run) -> float | None:
    if signal == "model_judge":
        rows = read_model_verdicts(run)
        scores = np.array([_SCORES[row.outcome] for row in rows if row.outcome in _SCORES])
        if not len(scores):
            raise InputError(
                f"sweep.yml screens by a model judge, and none judged run {run.name}: run "
                f"`blindside model-judge {run.name} --url URL`, and the same for every candidate"
            )
        return float(scores.mean())
    if "held_out_accuracy" in one.figures:
        return one.figures["held_out_accuracy"]
    preferences = read_preferences(run)
    return held_out_accuracy(preferences).tuned.value if preferences else None


def _dropped(sweep: Sweep, rule: Screen, figures: Mapping[str, float]) -> Sweep:
    """Without those that the rule drops. Raises RunError where it would leave nobody."""
    ranked = sorted(figures, key=lambda name: -figures[name])
    kept = set(ranked[: rule.keep]) if rule.keep is not None else set(ranked)
    kept = {name for name in kept if rule.at_least is None or figures[name] >= rule.at_least}
    out = [name for name in ranked if name not in kept]
    unseen = [one for one in sweep.judged if one.name not in figures]
    if out and not kept and not unseen:
        raise RunError(
            f"the rule on {rule.signal} drops every candidate of sweep {sweep.sweep}: see reports/{sweep.sweep}"
        )
    for name in out:
        reason = f"{rule.signal} {figures[name]:.1%}, and the rule requires {_asks(rule)}"
        sweep = sweep.changed(name, state="screened", reason=reason)
    return sweep


def _asks(rule: Screen) -> str:
    asked = [f"{rule.at_least:.1%} or more"] if rule.at_least is not None else []
    return " and ".join([*asked, *([f"a place among the best {rule.keep}"] if rule.keep is not None else [])])
