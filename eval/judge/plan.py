"""What the study of a run plans: how many reviewers each pair is to have, and which pairs people are drawn for."""

from __future__ import annotations

from eval.answers import Answers
from eval.judge.assignment import planned
from eval.judge.drawing import drawing_order
from eval.judge.study import read_frozen
from eval.judge.tasks import tasks_of
from eval.run import Run


def plan_of(run: Run, answers: Answers) -> dict[str, int]:
    """item -> reviewers, for every pair that people are asked; a pair held back for a giveaway is not among them.

    Raises InputError where the study cannot be read.
    """
    study = read_frozen(run.folder)
    tasks = tasks_of(run, study, answers)
    held = run.info.giveaways.get("items", {}) if study.giveaways.policy == "hold" else {}
    return planned(run.name, {item: task.category for item, task in tasks.items() if item not in held}, study.overlap)


def draw_of(run: Run, answers: Answers) -> dict[str, float]:
    """item -> the chance with which people are asked about it, in drawing order; pairs with identical answers are out.

    Raises InputError where the study cannot be read.
    """
    study = read_frozen(run.folder)
    pairs = answers.pairs(run.prompts())
    return dict.fromkeys(
        drawing_order(run.name, (pair.prompt_id for pair in pairs if not pair.identical)), study.sample
    )
