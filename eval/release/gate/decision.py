"""decision.json: what the gate decided and why, bound to its inputs by hashes."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from blindside.validation import first_problem
from eval.errors import InputError
from eval.journal import write_atomically
from eval.records import Row, Sha256

Outcome = Literal["release", "hold", "insufficient"]
Status = Literal["pass", "fail", "insufficient"]

#: Exit status of `blindside gate`; broken or stale inputs, on which nothing is decided, end with 3 (StaleInputs).
EXIT: dict[Outcome, int] = {"release": 0, "hold": 1, "insufficient": 2}


class RuleResult(Row):
    """One rule of the policy: what it asked for, what was found, and how that came out."""

    name: str
    asked: str
    found: str
    status: Status


class Headline(Row):
    """The figures that a model card carries: the human win rate with ties as a half, over n prompts.

    Where the study stopped early, `stopped_at` says after how many prompts; `win_rate` is then corrected for that, the
    interval is the confidence sequence, and `as_counted` is the plain mean.
    """

    #: The verdict of the run with its conditions, as report and results say it.
    sentence: str = ""
    win_rate: float | None = None
    as_counted: float | None = None
    stopped_at: int | None = None
    #: For reviewers like these in general; and whom the claim is about.
    like_these_low: float | None = None
    like_these_high: float | None = None
    population: Literal["these", "like_these"] = "these"
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    prompts: int = 0
    judgements: int = 0
    reviewers: int = 0
    #: Krippendorff's alpha; None where it is undefined.
    agreement: float | None = None
    both_bad: float | None = None


class Decision(Row):
    """decision.json. `bound` maps what was judged to its hash: files of the run by name, and for each side
    `<side> weights`, `<side> template` (or `<side> revision`); `policy` is the hash of gate.yml as it was used."""

    run: str
    decision: Outcome
    reasons: tuple[str, ...] = ()
    rules: tuple[RuleResult, ...] = Field(min_length=1)
    headline: Headline
    bound: dict[str, str]
    policy_sha256: Sha256
    decided_at: str
    versions: dict[str, str] = Field(default_factory=dict)
    #: Anything more that a report shows, by name.
    extra: dict[str, Any] = Field(default_factory=dict)

    def _repr_html_(self) -> str:
        """For a notebook: the decision, and every rule with what it asked for and what was found."""
        cells = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in (one.name, one.asked, one.found, one.status))}</tr>"
            for one in self.rules
        )
        head = "<tr><th>rule</th><th>asked</th><th>found</th><th>status</th></tr>"
        return f"<b>{escape(self.decision)}</b><table>{head}{cells}</table>"


def decision_path(folder: Path) -> Path:
    """Where the decision of the run in `folder` lies."""
    return folder / "decision.json"


def write_decision(folder: Path, decision: Decision) -> Path:
    path = decision_path(folder)
    write_atomically(path, (decision.model_dump_json(indent=2) + "\n").encode())
    return path


def read_decision(folder: Path) -> Decision:
    """The decision of the run in `folder`. Raises InputError where there is none, or it is no decision."""
    path = decision_path(folder)
    try:
        return Decision.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError("there is no decision yet: run `blindside gate` first", path=path) from None
    except ValidationError as error:
        raise InputError(f"{first_problem(error)}: decide again with `blindside gate`", path=path) from None
