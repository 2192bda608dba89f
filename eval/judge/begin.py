"""When a judging server starts: study, key and plan are fixed, or found as they were fixed before.

All of it under one lock, so that two servers that start on one run at once go by the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from eval.answers import read_answers
from eval.errors import InputError
from eval.judge.blinding import Blinding
from eval.judge.file_lock import FileLock
from eval.judge.freeze import freeze
from eval.judge.keyfile import KEY_FILE, make_key, read_key
from eval.judge.marking import Marked, mark
from eval.judge.plan import Plan, draw, is_judged, make_plan, plan_path, read_plan, rule_of, write_plan
from eval.judge.study import Study
from eval.judge.tasks import tasks_of
from eval.run import BlindingRecord, Run, open_run

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Begun:
    """What judging goes by. `marked` has the pairs that are asked."""

    study: Study
    blinding: Blinding
    marked: Marked
    plan: Plan


def begin(run: Run, study: Study | None = None) -> Begun:
    """Fix what judging goes by, in the run's folder. Only who is about to serve the judging page calls this.

    Raises InputError where the run's files cannot be read or written, or its rows were judged by another study.
    """
    lock = run.folder / ".blinding.lock"
    with ExitStack() as stack:
        with _writing(lock):
            stack.enter_context(FileLock(lock).held())
        study = freeze(run, study)
        blinding = _blinding_of(run)
        marked, plan = _planned(run, study, blinding)
    return Begun(study, blinding, marked, plan)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}): correct that, then judge", path=path) from None


def _blinding_of(run: Run) -> Blinding:
    """By the run's key, which is made where there is none; a run that was judged without one goes on so."""
    run = open_run(run.folder.parent, run.folder.name)
    judged, path = is_judged(run), run.folder / KEY_FILE
    if rule_of(run) == "unkeyed":
        _log.warning("run %s was judged when sides were still an unkeyed hash, and goes on so", run.name)
        _record(run, BlindingRecord(rule="unkeyed"))
        return Blinding(run.name, None)
    key, before = read_key(path), run.info.blinding.keys if run.info.blinding else ()
    with _writing(path):
        blinding = Blinding(run.name, key or make_key(path))
    if (before and before[-1] != blinding.fingerprint) or (judged and key is None):
        _log.warning(
            "%s %s: verdicts keep the sides that they were given, and pairs that are not judged yet get other ones",
            path,
            "is another key than the one that judging began with" if key else "is missing, and a new key was made",
        )
    others = [one for one in before if judged and one != blinding.fingerprint]
    _record(run, BlindingRecord(rule="keyed", keys=(*others, blinding.fingerprint)))
    return blinding


def _record(run: Run, record: BlindingRecord) -> None:
    if run.info.blinding != record:
        with _writing(run.folder / "run.json"):
            run.update(blinding=record)


def _planned(run: Run, study: Study, blinding: Blinding) -> tuple[Marked, Plan]:
    """The pairs that are asked, and the plan for them: as it was, while the study is, and longer by what came since."""
    there = read_plan(run)
    before = there if there and there.holds_for(blinding, study) else None
    tasks = tasks_of(run, study, read_answers(run.responses_path))
    drawn = draw(blinding, study, tasks, before)
    marked = mark(run, study, {item: task for item, task in tasks.items() if drawn[item]})
    plan = make_plan(blinding, study, drawn, {item: task.category for item, task in marked.tasks.items()}, before)
    if plan != there:
        if before is None and is_judged(run) and blinding.rule == "keyed":
            _log.warning(
                "%s %s: which pairs people are drawn for, and by how many each is judged, is planned anew",
                plan_path(run),
                "was made for another study" if there else "is missing",
            )
        with _writing(plan_path(run)):
            write_plan(run, plan)
    return marked, plan
