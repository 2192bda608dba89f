"""Training a sweep's candidates; sweep.json is updated after each."""

from __future__ import annotations

from pathlib import Path

from blindside import console
from blindside.errors import BlindsideError
from eval.sweep import Candidate, Sweep, is_begun, write_sweep
from train.sweep.stage import Trainings, last_figures, train_base_of, train_candidate, trainings
from train.sweep.table import Table


def train_all(sweep: Sweep, reports: Path, models: Path, env: Path) -> Sweep:
    """Train what is not there yet, one after the other; what fails is written down, and the others go on.

    A candidate whose run was judged stays as it was judged. Raises TrainError where the base can't be made.
    """
    due = [one for one in sweep.candidates if _due(one, reports)]
    if not due:
        return sweep
    asked = trainings(sweep.recipe, models, env, reports / sweep.sweep / "recipes")
    train_base_of(asked, console.say)
    with Table([one.name for one in due], console.say) as table:
        for one in due:
            sweep = _train(sweep, one, asked, table)
            write_sweep(reports, sweep)
    return sweep


def _due(one: Candidate, reports: Path) -> bool:
    return bool(one.changes) and one.state != "screened" and not is_begun(reports, [one])


def _train(sweep: Sweep, one: Candidate, asked: Trainings, table: Table) -> Sweep:
    live = asked.figures(one.name)
    try:
        train_candidate(asked, one.name, one.changes, console.say, table.begin(one.name, live))
    except (BlindsideError, OSError) as error:
        reason = console.one_line(" ".join(str(error).split()))[:500]
        table.set(one.name, "failed")
        return sweep.changed(one.name, state="failed", reason=reason)
    figures = last_figures(live) or one.figures
    table.set(one.name, "trained", figures)
    state = one.state if one.state == "collected" else "trained"
    return sweep.changed(one.name, state=state, reason="", figures=figures)
