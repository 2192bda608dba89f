"""gate.yml: what a release asks for, fixed before anybody judges.

The policy is copied into the run's folder and its hash into run.json when judging begins; the gate decides by the copy
and refuses one that has changed since.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from eval.errors import InputError
from eval.journal import write_atomically
from eval.records import Row
from eval.run import Run

#: Where a project keeps its policy, and what is used where it has none.
PROJECT = Path("gate.yml")
DEFAULT = Path(__file__).with_name("gate.yml")
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
    """At least this share of the judged prompts by at least so many reviewers."""

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


class Policy(Row):
    """The whole of gate.yml. A rule that is null is not asked for, and the table of rules does not have it."""

    preference: Preference = Preference()
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
    #: Which answer stands left must come from the run's secret key.
    keyed_sides: bool = False
    parity: bool = True
    #: Answers that changed when asked again, per side: at most this share; null where determinism is not asked for.
    determinism: Share | None = Field(default=0.0, ge=0, le=1)


def read_policy(path: Path) -> Policy:
    """The policy in a YAML file. Raises InputError naming file and field."""
    try:
        data: Any = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): give a policy with --policy", path=path) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or "not UTF-8"
        raise InputError(
            f"is not YAML ({problem}): mend it, texts in quotes", path=path, line=mark.line + 1 if mark else None
        ) from None
    if not isinstance(data, dict):
        raise InputError("holds no rules: give at least `preference:`", path=path)
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "file"
        raise InputError(f"{field}: {first['msg']}, not {first['input']!r}: mend it", path=path) from None


def policy_sha256(path: Path) -> str:
    """Hex sha256 of the file's bytes. Raises InputError where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from None


def find_policy(given: Path | None) -> Path:
    """The file given, or else the project's gate.yml, or else the default policy of the package."""
    return given or (PROJECT if PROJECT.is_file() else DEFAULT)


def frozen(run: Run) -> Path:
    """Where the run's own copy lies."""
    return run.folder / NAME


def freeze_policy(run: Run, given: Path | None = None) -> Run:
    """Fix the policy of a run that has none yet, and return the run that knows its hash.

    A run that has one keeps it; another one given for it is an InputError. Raises InputError for a policy that is none.
    """
    path = find_policy(given)
    read_policy(path)
    if run.info.policy_sha256:
        if given is not None and policy_sha256(given) != run.info.policy_sha256:
            raise InputError(
                f"differs from the policy that run {run.name} was judged under ({frozen(run)}): "
                "use that one, or judge a new run under the new policy",
                path=given,
            )
        return run
    data = path.read_bytes()
    try:
        write_atomically(frozen(run), data)
        return run.update(policy_sha256=hashlib.sha256(data).hexdigest(), policy_fixed_at=_when(run))
    except OSError as error:
        problem = f"cannot be written ({error.strerror}): free the disk or the folder, then judge"
        raise InputError(problem, path=frozen(run)) from None


def _when(run: Run) -> str:
    """Whether the policy was there before the first verdict: what came after it is told wherever it counts."""
    judged = run.verdicts_path.is_file() and run.verdicts_path.stat().st_size > 0
    return "after judging began" if judged else "before judging"
