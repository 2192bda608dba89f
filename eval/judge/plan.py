"""plan.json: how many reviewers each pair is to have, and which pairs people are drawn for, fixed when judging begins.

The judging server plans by the run's key and writes the plan down; report, results and gate read it, and need no key.
It says nothing of sides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from eval.answers import Answers
from eval.errors import InputError
from eval.journal import write_atomically
from eval.judge.assignment import planned
from eval.judge.blinding import Blinding
from eval.judge.drawing import drawing_order, is_drawn
from eval.judge.freeze import thumbs_path, with_rows
from eval.judge.keyfile import KEY_FILE
from eval.judge.study import Mode, Overlap, Study, read_frozen
from eval.judge.tasks import tasks_of
from eval.records import Row
from eval.run import BlindingRule, Run

NAME = "plan.json"


class PlannedPair(Row):
    """Whether people are drawn for a pair, and by how many it is judged: 0 where it is not drawn, or held back."""

    item: str
    drawn: bool
    reviewers: int = Field(ge=0)


class Plan(Row):
    """The whole of plan.json: what was planned by, and the pairs in drawing order."""

    blinding: BlindingRule
    mode: Mode
    overlap: Overlap
    sample: float
    pairs: tuple[PlannedPair, ...]

    @property
    def reviewers(self) -> dict[str, int]:
        """item -> reviewers, for every pair that people are asked."""
        return {pair.item: pair.reviewers for pair in self.pairs if pair.reviewers}

    @property
    def drawn(self) -> dict[str, bool]:
        """item -> whether people are drawn for it, in drawing order."""
        return {pair.item: pair.drawn for pair in self.pairs}

    def holds_for(self, blinding: Blinding, study: Study) -> bool:
        """Whether it was made by these settings. Another key changes nothing: what is drawn stays drawn."""
        ours = (self.blinding, self.mode, self.overlap, self.sample)
        return ours == (blinding.rule, study.mode, study.overlap, study.sample)


def plan_path(run: Run) -> Path:
    return run.folder / NAME


def read_plan(run: Run) -> Plan | None:
    """What was planned when judging began; None where there is no plan.json. Raises InputError."""
    path = plan_path(run)
    try:
        return Plan.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): restore it", path=path) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "file"
        raise InputError(f"{field}: {first['msg']}: restore it", path=path) from None


def write_plan(run: Run, plan: Plan) -> None:
    """Raises OSError."""
    write_atomically(plan_path(run), (plan.model_dump_json(indent=2) + "\n").encode())


def draw(blinding: Blinding, study: Study, items: Collection[str], before: Plan | None) -> dict[str, bool]:
    """item -> whether people are drawn for it, in drawing order; pairs that came after the plan before come last."""
    kept = {item: drawn for item, drawn in before.drawn.items() if item in items} if before else {}
    sample = 1.0 if study.mode == "thumbs" else study.sample
    new = drawing_order(blinding, (item for item in items if item not in kept))
    return kept | {item: is_drawn(blinding, item, sample) for item in new}


def make_plan(
    blinding: Blinding, study: Study, drawn: Mapping[str, bool], asked: Mapping[str, str], before: Plan | None
) -> Plan:
    """The plan for the pairs that are asked (`asked`: item -> category); those planned before keep their reviewers."""
    kept = {item: n for item, n in before.reviewers.items() if item in asked} if before else {}
    new = planned(blinding, {item: name for item, name in asked.items() if item not in kept}, study.overlap)
    reviewers = kept | new
    return Plan(
        blinding=blinding.rule,
        mode=study.mode,
        overlap=study.overlap,
        sample=study.sample,
        pairs=tuple(
            PlannedPair(item=item, drawn=is_in, reviewers=reviewers.get(item, 0)) for item, is_in in drawn.items()
        ),
    )


def plan_of(run: Run, answers: Answers) -> dict[str, int]:
    """item -> reviewers, for every pair that people are asked; a pair held back for a giveaway is not among them.

    Raises InputError where study or plan cannot be read, or the plan of a run that was judged is missing.
    """
    return _known(run, answers).reviewers


def draw_of(run: Run, answers: Answers) -> dict[str, float]:
    """item -> the chance with which people are asked about it, in drawing order; pairs with identical answers are out.

    Raises InputError as `plan_of`.
    """
    plan = _known(run, answers)
    return dict.fromkeys(plan.drawn, plan.sample)


def rule_of(run: Run) -> BlindingRule | None:
    """What the sides of a run's verdicts were computed by; None where nobody judged."""
    if not is_judged(run):
        return None
    if run.info.blinding is not None:
        return run.info.blinding.rule
    plan = read_plan(run)
    return plan.blinding if plan else "keyed" if (run.folder / KEY_FILE).exists() else "unkeyed"


def is_judged(run: Run) -> bool:
    return any(with_rows(path) for path in (run.verdicts_path, thumbs_path(run)))


def _known(run: Run, answers: Answers) -> Plan:
    """The plan that was written down. A run judged before there were keys has one that anybody can compute.

    Before anybody judges nothing is drawn yet, and that rule stands in: of such a plan only counts are used, and they
    are those of any draw.
    """
    plan = read_plan(run)
    if plan is not None:
        return plan
    if rule_of(run) == "keyed":
        problem = "is missing, and says which pairs people were drawn for: restore it, or start `blindside judge` once"
        raise InputError(f"{problem} where the run's {KEY_FILE} lies", path=plan_path(run))
    blinding, study = Blinding(run.name, None), read_frozen(run.folder)
    tasks = tasks_of(run, study, answers)
    drawn = draw(blinding, study, tasks, None)
    held = run.info.giveaways.get("items", {}) if study.giveaways.policy == "hold" else {}
    asked = {item: task.category for item, task in tasks.items() if drawn[item] and item not in held}
    return make_plan(blinding, study, drawn, asked, None)
