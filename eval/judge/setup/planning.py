"""Makes and reads the plan of a run: which pairs people judge, and how many reviewers each has."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from eval.answers import Answers
from eval.errors import InputError
from eval.judge.setup.frozen_study import is_judged
from eval.judge.setup.keyfile import KEY_FILE
from eval.judge.setup.plan import Plan, PlannedPair, plan_path, read_asked, read_plan, read_plan_file
from eval.judge.store.verdict_files import read_verdicts
from eval.judge.study.assignment import drawing_order, is_drawn, plan_reviewers
from eval.judge.study.blinding import Blinding
from eval.judge.study.study import NAME as STUDY
from eval.judge.study.study import Overlap, Study, read_frozen
from eval.judge.study.tasks import tasks_of
from eval.run import Run
from eval.run_info import BlindingRule


def draw_items(blinding: Blinding, study: Study, items: Collection[str], before: Plan | None) -> dict[str, bool]:
    """item -> whether people are drawn for it, in drawing order; pairs that came after the plan before come last."""
    kept = {item: drawn for item, drawn in before.drawn.items() if item in items} if before else {}
    sample = 1.0 if study.mode == "thumbs" else study.sample
    new = drawing_order(blinding, (item for item in items if item not in kept))
    return kept | {item: is_drawn(blinding, item, sample) for item in new}


def make_plan(
    blinding: Blinding,
    study: Study,
    drawn: Mapping[str, bool],
    asked: Mapping[str, str],
    before: Plan | None,
    held: Collection[str] = (),
    near: Mapping[str, str] | None = None,
) -> Plan:
    """The plan for the pairs that are asked (`asked`: item -> category); those planned before keep their reviewers.

    `near`: item -> the first prompt of its group, where groups are units.
    """
    groups = near or {}
    kept = {item: n for item, n in before.reviewers.items() if item in asked} if before else {}
    new = plan_reviewers(blinding, {item: name for item, name in asked.items() if item not in kept}, study.overlap)
    reviewers = kept | new
    return Plan(
        blinding=blinding.rule,
        mode=study.mode,
        overlap=study.overlap,
        sample=study.sample,
        pairs=tuple(
            PlannedPair(
                item=item, drawn=is_in, reviewers=reviewers.get(item, 0), held=item in held, near=groups.get(item, "")
            )
            for item, is_in in drawn.items()
        ),
    )


def planned_reviewers(run: Run, answers: Answers) -> dict[str, int]:
    """item -> reviewers, for every pair that people are asked; a pair held back for a giveaway is not among them.

    Raises InputError where study or plan cannot be read, or the plan of a run that was judged is missing.
    """
    return _plan_or_stand_in(run, answers).reviewers


def asked_reviewers(run: Run, answers: Answers) -> dict[str, int]:
    """item -> reviewers, as people are asked now; before anybody judges, as they will be. Raises InputError."""
    asked = read_asked(run)
    return asked.reviewers if asked else planned_reviewers(run, answers)


def is_planned(run: Run) -> bool:
    """Whether the plan was written down; verdicts beyond one that only stands in are as good as any."""
    return plan_path(run).exists()


def inclusion_chances(run: Run, answers: Answers) -> dict[str, float]:
    """item -> the chance with which people are asked about it, in drawing order; pairs with identical answers are out.

    Raises InputError as `planned_reviewers`.
    """
    plan = _plan_or_stand_in(run, answers)
    return dict.fromkeys(plan.drawn, plan.sample)


def blinding_rule(run: Run) -> BlindingRule | None:
    """What the sides of a run's verdicts were computed by; None where nobody judged."""
    if not is_judged(run):
        return None
    if run.info.blinding is not None:
        return run.info.blinding.rule
    plan = read_plan_file(plan_path(run), "")
    if plan is None and only_imported(run):
        return None
    return plan.blinding if plan else "keyed" if (run.folder / KEY_FILE).exists() else "unkeyed"


def only_imported(run: Run) -> bool:
    """Whether verdicts were imported, and nobody judged here. Raises InputError for a file that cannot be trusted."""
    return bool(run.info.imports) and all(row.imported for row in read_verdicts(run.verdicts_path, run=run.name))


def _plan_or_stand_in(run: Run, answers: Answers) -> Plan:
    """The plan that was written down. A run judged before there were keys has one that anybody can compute.

    Before anybody judges nothing is drawn yet, and that rule stands in: of such a plan only counts are used, and they
    are those of any draw.
    """
    plan = read_plan(run)
    if plan is not None:
        return plan
    if blinding_rule(run) == "keyed":
        problem = "is missing, and says which pairs people were drawn for: restore it, or start `blindside judge` once"
        raise InputError(f"{problem} where the run's {KEY_FILE} lies", path=plan_path(run))
    blinding, study = Blinding(run.name, None), read_frozen(run.folder)
    if is_judged(run) and not (run.folder / STUDY).exists():
        # Judged before studies were written down, by one person a pair; or elsewhere.
        study = Study(overlap=Overlap())
    tasks = tasks_of(run, study, answers)
    drawn = draw_items(blinding, study, tasks, None)
    marked = run.info.giveaways
    held = marked.items if marked and study.giveaways.policy == "hold" else {}
    asked = {item: task.category for item, task in tasks.items() if drawn[item] and item not in held}
    return make_plan(blinding, study, drawn, asked, None, held)
