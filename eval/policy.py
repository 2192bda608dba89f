"""gate.yml: what a release requires, fixed before anybody judges.

The policy is copied into the run's folder and its hash into run.json when judging begins; the gate decides by the copy
and refuses one that has changed since.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from blindside.validation import first_problem
from eval.errors import InputError
from eval.journal import write_atomically
from eval.records import Row
from eval.run import Run
from eval.settings_file import read_settings

#: Where a project keeps its policy, and what is used where it has none.
PROJECT = Path("gate.yml")
DEFAULT = Path(__file__).parent / "release" / "gate" / "gate.yml"
NAME = "gate.yml"

Share = float


class Preference(Row):
    """What people must prefer. `margin` is a share of win rate below 50% that non-inferiority still accepts.

    `sequential`: an anytime-valid test, at which one may look after every verdict. `fixed`: one look, by the interval.
    `predicted` lets a model judge's answers enter the estimate, beside people's.
    """

    rule: Literal["superiority", "non_inferiority"] = "superiority"
    margin: Share = Field(default=0.05, ge=0, lt=0.5)
    confidence: Share = Field(default=0.95, ge=0.5, lt=1)
    method: Literal["sequential", "fixed"] = "sequential"
    predicted: bool = False


class Overlap(Row):
    """At least this share of the judged prompts by at least this many reviewers."""

    share: Share = Field(ge=0, le=1)
    reviewers: int = Field(default=2, ge=2)


class Categories(Row):
    """No category with at least `prompts` judged prompts may lie, by its corrected interval, wholly below `floor`."""

    floor: Share = Field(default=0.5, ge=0, le=1)
    prompts: int = Field(default=10, ge=2)


class Signals(Row):
    """Limits on what no judge is needed for: shares of the tuned answers, or how far they may exceed the base's."""

    truncated: Share | None = Field(default=None, ge=0, le=1)
    truncated_more_than_base: Share | None = Field(default=None, ge=0, le=1)
    empty: Share | None = Field(default=None, ge=0, le=1)
    repetition: Share | None = Field(default=None, ge=0, le=1)
    refusals_more_than_base: Share | None = Field(default=None, ge=0, le=1)
    unchanged: Share | None = Field(default=None, ge=0, le=1)
    #: Mean length of tuned answers over the base's, in words: (at least, at most).
    length_ratio: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Signals:
        if self.length_ratio is not None and not 0 <= self.length_ratio[0] <= self.length_ratio[1]:
            raise ValueError("length_ratio: give the smaller number first")
        return self


#: Conditions of a verdict (eval.evidence.conditions) that hold a release back where they are contradicted.
HOLDS = {"known_answers": "known answers right", "repeats": "repeats alike", "speed": "speed", "length": "equal length"}


class Policy(Row):
    """The whole of gate.yml. A rule that is null is not asked for, and the table of rules does not have it."""

    preference: Preference = Preference()
    #: Whether the claim is about these reviewers, or about reviewers like these in general.
    population: Literal["these", "like_these"] = "these"
    #: What becomes of a claim that early and late verdicts contradict, of one that would fall if all that was skipped
    #: went against it, and of one that depends on one reviewer.
    drift: Literal["hold", "tell"] = "hold"
    skips: Literal["hold", "tell"] = "hold"
    leave_one_out: Literal["hold", "tell"] = "tell"
    #: Share of the judgements that one reviewer may have given.
    max_share_per_reviewer: Share | None = Field(default=None, gt=0, le=1)
    hold_on: tuple[Literal["known_answers", "repeats", "speed", "length"], ...] = ("known_answers", "repeats", "speed")
    prompts: int = Field(default=100, ge=2)
    reviewers: int = Field(default=2, ge=1)
    overlap: Overlap | None = Overlap(share=0.1)
    #: Krippendorff's alpha, at least.
    agreement: float | None = Field(default=None, ge=-1, le=1)
    both_bad: Share | None = Field(default=None, ge=0, le=1)
    categories: Categories | None = Categories()
    signals: Signals = Signals()
    #: Prompts with `expect` that the base answers rightly and the tuned model does not: at most so many.
    must_pass_broken: int | None = Field(default=0, ge=0)
    #: Whether verdicts that people gave elsewhere may enter (blindside import-verdicts).
    imported: bool = False
    #: Which answer is on the left must come from the run's secret key.
    keyed_sides: bool = False
    parity: bool = True
    #: Answers that changed when asked again, per side: at most this share; null where determinism is not asked for.
    determinism: Share | None = Field(default=0.0, ge=0, le=1)

    @property
    def null(self) -> float:
        """The win rate that must be exceeded."""
        return 0.5 - (self.preference.margin if self.preference.rule == "non_inferiority" else 0.0)

    @property
    def one_look(self) -> bool:
        """Whether the claim is decided once, at the end of the plan."""
        return self.preference.method == "fixed" or self.population == "like_these"


def read_policy(path: Path) -> Policy:
    """The policy in a YAML file. Raises InputError naming file and field."""
    empty = "holds no rules: give at least `preference:`"
    data = read_settings(path, unreadable="give a policy with --policy", empty=empty)
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{first_problem(error, value=True)}: fix it", path=path) from None


def policy_sha256(path: Path) -> str:
    """Hex sha256 of the file's bytes. Raises InputError where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from None


def find_policy(given: Path | None) -> Path:
    """The file given, or else the project's gate.yml, or else the default policy of the package."""
    return given or (PROJECT if PROJECT.is_file() else DEFAULT)


def frozen_policy_path(run: Run) -> Path:
    """Where the run's own copy lies."""
    return run.folder / NAME


def policy_of(run: Run) -> Policy:
    """The run's own policy; the default one where none was fixed. Raises InputError.

    Of one candidate among k each claim is made at (1 - confidence) / k: choosing it is paid for, whichever it is.
    """
    policy = read_policy(frozen_policy_path(run)) if frozen_policy_path(run).is_file() else read_policy(DEFAULT)
    if run.info.sweep is None:
        return policy
    alpha = (1 - policy.preference.confidence) / run.info.sweep.of
    paid = policy.preference.model_copy(update={"confidence": 1 - alpha})
    return policy.model_copy(update={"preference": paid})


def freeze_policy(run: Run, given: Path | None = None, *, when: str = "before judging") -> Run:
    """Fix the policy of a run that has none yet, and return the run that knows its hash. `when`: told where it counts.

    A run that has one keeps it once somebody has judged; another one given for it is then an InputError. Raises
    InputError for a policy that is none.
    """
    path = find_policy(given)
    read_policy(path)
    if run.info.policy_sha256 and (given is None or _judged(run)):
        if given is not None and policy_sha256(given) != run.info.policy_sha256:
            raise InputError(
                f"differs from the policy that run {run.name} was judged under ({frozen_policy_path(run)}): "
                "use that one, or judge a new run under the new policy",
                path=given,
            )
        return run
    data = path.read_bytes()
    try:
        write_atomically(frozen_policy_path(run), data)
        return run.update(policy_sha256=hashlib.sha256(data).hexdigest(), policy_fixed_at=_when(run, when))
    except OSError as error:
        problem = f"cannot be written ({error.strerror}): free the disk or the folder, then judge"
        raise InputError(problem, path=frozen_policy_path(run)) from None


def _judged(run: Run) -> bool:
    return run.verdicts_path.is_file() and run.verdicts_path.stat().st_size > 0


def _when(run: Run, before: str) -> str:
    """Whether the policy was there before the first verdict: what came after it is reported wherever it counts."""
    return "after judging began" if _judged(run) else before
