"""plan.json: how many reviewers each pair has, and which pairs people are drawn for, frozen at the first verdict.

The judging server plans by the run's key and writes the plan down; report, results and gate read it, and need no key.
It says nothing of sides. What reviewers are asked may change later: then asked.json holds that, run.json records the
change, and the evidence continues by plan.json. Both are bound by hashes in run.json.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from blindside.validation import first_problem
from blindside.words import counted
from eval.errors import InputError
from eval.journal import write_atomically
from eval.judge.setup.frozen_study import is_judged
from eval.judge.study.blinding import Blinding
from eval.judge.study.study import Mode, Overlap, Study
from eval.records import Row
from eval.run import Run
from eval.run_info import BlindingRule

NAME, ASKED = "plan.json", "asked.json"


class PlannedPair(Row):
    """Whether people are drawn for a pair, and by how many it is judged: 0 where it is not drawn, or held back."""

    item: str
    drawn: bool
    reviewers: int = Field(ge=0)
    #: For words that name a model, under the study's policy `hold`.
    held: bool = False
    #: The first prompt of those that ask nearly the same, where the study takes them for one unit.
    near: str = ""

    @model_serializer(mode="wrap")
    def _without_nothing(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Plans without groups are written, and hashed, as they were before there were any."""
        data: dict[str, Any] = dump(self)
        if not self.near:
            data.pop("near")
        return data


class Plan(Row):
    """The whole of plan.json: what was planned by, and the pairs in drawing order."""

    blinding: BlindingRule
    mode: Mode
    overlap: Overlap
    sample: float
    pairs: tuple[PlannedPair, ...]
    #: Of how many candidates of a sweep this run is one; 0 for none.
    candidates: int = 0

    @model_serializer(mode="wrap")
    def _without_sweep(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = dump(self)
        if not self.candidates:
            data.pop("candidates")
        return data

    @property
    def reviewers(self) -> dict[str, int]:
        """item -> reviewers, for every pair that people are asked."""
        return {pair.item: pair.reviewers for pair in self.pairs if pair.reviewers}

    @property
    def horizon(self) -> int:
        """How many pairs people are asked: the size of the study that the sequential test bets by."""
        return len(self.reviewers)

    @property
    def drawn(self) -> dict[str, bool]:
        """item -> whether people are drawn for it, in drawing order."""
        return {pair.item: pair.drawn for pair in self.pairs}

    @property
    def groups(self) -> dict[str, str]:
        """item -> the first prompt of its group, of prompts that ask nearly the same."""
        return {pair.item: pair.near for pair in self.pairs if pair.near}

    def asks_as(self, other: Plan) -> bool:
        """Whether both ask the same of reviewers; plans of earlier versions do not say what is held back."""
        ours, theirs = (
            (one.blinding, one.mode, one.overlap, one.sample, one.reviewers, one.drawn) for one in (self, other)
        )
        return ours == theirs and list(self.drawn) == list(other.drawn)

    def holds_for(self, blinding: Blinding, study: Study) -> bool:
        """Whether it was made by these settings. Another key changes nothing: what is drawn stays drawn."""
        ours = (self.blinding, self.mode, self.overlap, self.sample)
        return ours == (blinding.rule, study.mode, study.overlap, study.sample)


def plan_path(run: Run) -> Path:
    return run.folder / NAME


def asked_path(run: Run) -> Path:
    """Where lies what reviewers are asked now, where that is no longer the plan."""
    return run.folder / ASKED


def encoded(plan: Plan) -> bytes:
    """A plan as it is on disk."""
    return (plan.model_dump_json(indent=2) + "\n").encode()


def plan_sha256(plan: Plan) -> str:
    """Hex sha256 of the plan's file."""
    return hashlib.sha256(encoded(plan)).hexdigest()


def read_plan(run: Run) -> Plan | None:
    """The plan; None where there is no plan.json. Raises InputError, also for one that is not what was frozen."""
    return read_plan_file(plan_path(run), run.info.plan_sha256 if is_judged(run) else "")


def read_asked(run: Run) -> Plan | None:
    """What reviewers are asked now: asked.json, or else the plan. Raises InputError as `read_plan`."""
    plan = read_plan(run)
    last = run.info.plan_changes[-1].asked_sha256 if run.info.plan_changes else ""
    if last in ("", run.info.plan_sha256):
        return plan
    asked = read_plan_file(asked_path(run), last)
    if asked is None:
        raise InputError("is missing, and run.json says that it was made: restore it", path=asked_path(run))
    return asked


def read_plan_file(path: Path, sha256: str) -> Plan | None:
    try:
        stamp = path.stat()
        plan, found = _parsed(path, stamp.st_ino, stamp.st_mtime_ns, stamp.st_size)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): restore it", path=path) from None
    except ValidationError as error:
        raise InputError(f"{first_problem(error)}: restore it", path=path) from None
    if sha256 and found != sha256:
        raise InputError("is not the plan that was frozen at the first verdict: restore it", path=path)
    return plan


@lru_cache(maxsize=2)
def _parsed(path: Path, inode: int, changed: int, size: int) -> tuple[Plan, str]:
    """A plan's file and the hash of its bytes; inode, `changed` (ns) and `size` say which version of it."""
    data = path.read_bytes()
    return Plan.model_validate_json(data), hashlib.sha256(data).hexdigest()


def write_plan(path: Path, plan: Plan) -> None:
    """Raises OSError."""
    write_atomically(path, encoded(plan))


def differences(before: Plan, after: Plan) -> str:
    """What reviewers are asked differently, in words: "overlap 2 on 30% of the pairs (before: 2 on 100%)"."""
    changes = []
    if before.overlap != after.overlap:
        changes.append(f"overlap {_overlap(after.overlap)} of the pairs (before: {_overlap(before.overlap)})")
    if before.sample != after.sample:
        changes.append(f"sample {after.sample:g} (before: {before.sample:g})")
    pairs = len(after.pairs) - len(before.pairs)
    if pairs:
        changes.append(f"{counted(abs(pairs), 'pair')} {'more' if pairs > 0 else 'fewer'}")
    held = sum(pair.held for pair in after.pairs) - sum(pair.held for pair in before.pairs)
    if held:
        changes.append(f"{counted(abs(held), 'pair')} {'more' if held > 0 else 'fewer'} held back")
    return ", ".join(changes) or "other pairs, or other numbers of reviewers"


def _overlap(overlap: Overlap) -> str:
    return f"{overlap.reviewers} on {overlap.share:.0%}"
