"""Sets up judging when a server starts: study, key and plan are fixed, or read as they were fixed before.

All of it under one lock, so that two servers that start on one run at once go by the same.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from blindside.garbage import collected_later
from blindside.words import counted
from eval.answers import read_answers
from eval.errors import InputError
from eval.journal import write_atomically
from eval.judge.setup.frozen_study import freeze_study, is_judged
from eval.judge.setup.keyfile import KEY_FILE, make_key, read_key
from eval.judge.setup.mark_giveaways import MarkedAnswers, mark_giveaways
from eval.judge.setup.near_duplicates import near_groups
from eval.judge.setup.plan import (
    Plan,
    asked_path,
    differences,
    encoded,
    plan_path,
    plan_sha256,
    read_asked,
    write_plan,
)
from eval.judge.setup.planning import blinding_rule, draw_items, make_plan, only_imported
from eval.judge.store.file_lock import FileLock
from eval.judge.store.verdict_files import read_bytes, read_verdicts
from eval.judge.study.blinding import Blinding
from eval.judge.study.study import Study
from eval.judge.study.tasks import tasks_of
from eval.records import utc_now
from eval.run import Run, open_run
from eval.run_info import BlindingRecord, PlanChange

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JudgingSetup:
    """What judging goes by. `marked` has the pairs that are asked, `plan` by how many (setup.plan: asked), and
    `near` the prompts that ask nearly the same (setup.near_duplicates)."""

    study: Study
    blinding: Blinding
    marked: MarkedAnswers
    plan: Plan
    near: Mapping[str, str]


def begin_judging(run: Run, study: Study | None = None) -> JudgingSetup:
    """Fix what judging goes by, in the run's folder. Only who is about to serve the judging page calls this.

    Raises InputError where the run's files cannot be read or written, or its rows were judged by another study.
    """
    lock = run.folder / ".blinding.lock"
    with ExitStack() as stack:
        with _writing(lock):
            stack.enter_context(FileLock(lock).held())
        stack.enter_context(collected_later())
        study = freeze_study(run, study)
        blinding = _blinding_of(run)
        near = near_groups(run.prompts())
        marked, plan = _planned(run, study, blinding, near)
    return JudgingSetup(study, blinding, marked, plan, near)


def refuse_candidate(run: Run) -> None:
    """Raises InputError for a candidate of a sweep: who judged two of them on one prompt would know the base's answer,
    which comes twice."""
    if run.info.sweep is not None:
        raise InputError(
            f"run {run.name} is a candidate of sweep {run.info.sweep.sweep}: judge all of them on one page, with "
            f"`blindside judge {run.info.sweep.sweep}`"
        )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}): correct that, then judge", path=path) from None


def _blinding_of(run: Run) -> Blinding:
    """By the run's key, which is made where there is none; a run that was judged without one continues so."""
    run = open_run(run.folder.parent, run.folder.name)
    judged, path = is_judged(run) and not only_imported(run), run.folder / KEY_FILE
    if blinding_rule(run) == "unkeyed":
        _log.warning("run %s was judged when sides were still an unkeyed hash, and continues that way", run.name)
        _record(run, BlindingRecord(rule="unkeyed"))
        return Blinding(run.name, None)
    key, before = read_key(path), run.info.blinding.keys if run.info.blinding else ()
    with _writing(path):
        blinding = Blinding(run.name, key or make_key(path))
    if (before and before[-1] != blinding.fingerprint) or (judged and key is None):
        _log.warning(
            "%s %s: verdicts keep the sides that they were given, and pairs that are not judged yet get new ones",
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


def _planned(run: Run, study: Study, blinding: Blinding, near: Mapping[str, str]) -> tuple[MarkedAnswers, Plan]:
    """The pairs that are asked, and by how many: as before, while the study is, and longer by what came since.

    Until the first verdict the plan follows the study. After it the plan stays, and what differs is reported.
    """
    run = open_run(run.folder.parent, run.folder.name)
    judged, existing = is_judged(run), read_asked(run)
    before = existing if existing and existing.holds_for(blinding, study) else None
    tasks = tasks_of(run, study, read_answers(run.responses_path))
    drawn = draw_items(blinding, study, tasks, before)
    marked = mark_giveaways(run, study, {item: task for item, task in tasks.items() if drawn[item]})
    asked = {item: task.category for item, task in marked.tasks.items()}
    held = [item for item, is_in in drawn.items() if is_in and item not in asked]
    groups = existing.groups if judged and existing else near if study.cluster == "near" else {}
    plan = make_plan(blinding, study, drawn, asked, before, held, groups)
    plan = plan.model_copy(update={"candidates": run.info.sweep.of if run.info.sweep else 0})
    with _writing(plan_path(run)):
        if judged and existing is None and only_imported(run):
            _freeze(run, plan, len(near))
            _change(run, plan, plan, "planned only after verdicts had been imported")
        elif not judged or (existing is None and _may_be_made_again(run, plan, blinding)):
            _freeze(run, plan, len(near))
        elif existing is not None and not plan.asks_as(existing):
            _change(run, existing, plan)
        elif not run.info.plan_sha256:
            run.update(plan_sha256=_on_disk(run))
    return marked, plan


def _may_be_made_again(run: Run, plan: Plan, blinding: Blinding) -> bool:
    """A plan that is gone comes back from the run's key, if it is the one that was frozen."""
    frozen = run.info.plan_sha256
    if frozen and plan_sha256(plan) != frozen:
        raise InputError(
            "is missing, and the study is not the one that it was made for: restore it", path=plan_path(run)
        )
    if not frozen and blinding.rule == "keyed":
        _log.warning("%s is missing and is made again: the number of reviewers per pair may change", plan_path(run))
    return True


def _freeze(run: Run, plan: Plan, near: int) -> None:
    asked_path(run).unlink(missing_ok=True)
    data = encoded(plan)
    sha256 = hashlib.sha256(data).hexdigest()
    if read_bytes(plan_path(run)) != data:
        write_atomically(plan_path(run), data)
    if run.info.plan_sha256 != sha256 or run.info.plan_changes or run.info.near != near:
        run.update(plan_sha256=sha256, plan_changes=(), near=near)


def _change(run: Run, before: Plan, plan: Plan, what: str = "") -> None:
    """Record that something else is asked from now on. The frozen plan stays what the evidence goes by."""
    run = open_run(run.folder.parent, run.folder.name)
    frozen = run.info.plan_sha256 or _on_disk(run)
    rows = len(read_verdicts(run.verdicts_path, run=run.name))
    if what:
        pass
    elif plan_sha256(plan) == frozen:
        what = "as it was planned at first"
        asked_path(run).unlink(missing_ok=True)
    else:
        what = differences(before, plan)
        write_plan(asked_path(run), plan)
    change = PlanChange(at=utc_now(), rows=rows, what=what, asked_sha256=plan_sha256(plan))
    run.update(lambda now: {"plan_sha256": frozen, "plan_changes": (*now.plan_changes, change)})
    _log.warning(
        "%s: the plan changes after %s: %s. This is recorded, and all figures keep using the plan that was frozen "
        "at the first verdict",
        run.folder / "run.json",
        counted(rows, "verdict"),
        what,
    )


def _on_disk(run: Run) -> str:
    return hashlib.sha256(read_bytes(plan_path(run))).hexdigest()
