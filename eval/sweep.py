"""sweep.json: several tuned models against one base, each a run of its own.

sweep.json is written before anything is trained, and grows. Its screening rules are fixed then; its candidates at the
first verdict. Nothing leaves it: what failed or was dropped stays, with the reason.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from blindside.validation import first_problem
from eval.errors import InputError, RunError
from eval.journal import write_atomically
from eval.records import Row
from eval.run import NAME as NAMES
from eval.run import Run, open_run
from eval.run_info import SweepMember

NAME = "sweep.json"

#: `screened`: dropped before people judged, by a rule fixed in advance.
State = Literal["planned", "trained", "collected", "failed", "screened"]
#: What a rule of screening looks at.
Signal = Literal["held_out_accuracy", "model_judge"]


class Screen(Row):
    """A rule by which candidates are dropped before people judge: below `at_least`, or not among the best `keep`."""

    signal: Signal
    at_least: float | None = Field(default=None, ge=0, le=1)
    keep: int | None = Field(default=None, ge=1)


class Candidate(Row):
    """One tuned model of a sweep: trained here with `changes` of the recipe, or there already as `model` or `urls`."""

    name: str
    changes: dict[str, Any] = Field(default_factory=dict)
    model: str = ""
    urls: tuple[str, ...] = ()
    #: The name of its run, once there is one.
    run: str = ""
    state: State = "planned"
    #: Of one that failed or was screened out.
    reason: str = ""
    #: What the training logged at its end: accuracy and margin on held-out pairs, log-probability of chosen answers.
    figures: dict[str, float] = Field(default_factory=dict)


class Dropped(Row):
    """A candidate that people are asked about no more, with the figures that decided it."""

    candidate: str
    at: str
    why: str
    prompts: int
    low: float
    high: float


class Sweep(Row):
    """The whole of sweep.json."""

    sweep: str
    #: By which rule candidates are dropped while people judge.
    race: Literal["sure", "halving"] = "sure"
    screen: tuple[Screen, ...] = ()
    candidates: tuple[Candidate, ...]
    recipe: str = ""
    started: str
    #: When the first page was opened on it: its candidates are fixed since the first verdict.
    judged_at: str = ""
    dropped: tuple[Dropped, ...] = ()

    @property
    def of(self) -> int:
        """Of how many candidates one is chosen. Those dropped by what training logged never met the sweep's prompts;
        those that failed may still come."""
        return max(1, sum(not _by_training(one) for one in self.candidates))

    @property
    def judged(self) -> tuple[Candidate, ...]:
        """Those whose answers people compare."""
        return tuple(one for one in self.candidates if one.state == "collected")

    def candidate(self, name: str) -> Candidate:
        return next(one for one in self.candidates if one.name == name)

    def changed(self, name: str, **fields: Any) -> Sweep:
        """With other fields of one candidate."""
        changed = (one.model_copy(update=fields) if one.name == name else one for one in self.candidates)
        return self.model_copy(update={"candidates": tuple(changed)})


def _by_training(one: Candidate) -> bool:
    return one.state == "screened" and one.reason.startswith("held_out_accuracy")


def sweep_path(reports: Path, name: str) -> Path:
    return reports / name / NAME


def is_sweep(reports: Path, name: str) -> bool:
    return bool(name) and sweep_path(reports, name).is_file()


def read_sweep(reports: Path, name: str) -> Sweep:
    """Raises RunError where there is none, InputError where it cannot be read."""
    path = sweep_path(reports, name)
    try:
        return Sweep.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise RunError(f"there is no sweep {name!r} in {reports}/: make one with `blindside sweep FILE`") from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): fix that", path=path) from None
    except ValidationError as error:
        raise InputError(f"{first_problem(error)}: restore the file", path=path) from None


def write_sweep(reports: Path, sweep: Sweep) -> None:
    """Whoever was dropped by then stays so: a judging server writes that while another command trains.

    Raises InputError where it cannot be written.
    """
    path = sweep_path(reports, sweep.sweep)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (path.parent / ".sweep.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            on_disk = read_sweep(reports, sweep.sweep) if path.exists() else sweep
            write_atomically(path, (_with_dropped(sweep, on_disk).model_dump_json(indent=2) + "\n").encode())
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}): free the disk or the folder", path=path) from None


def _with_dropped(sweep: Sweep, on_disk: Sweep) -> Sweep:
    ours = {one.candidate for one in on_disk.dropped}
    dropped = (*on_disk.dropped, *(one for one in sweep.dropped if one.candidate not in ours))
    return sweep.model_copy(update={"dropped": dropped, "judged_at": on_disk.judged_at or sweep.judged_at})


def runs_of(reports: Path, sweep: Sweep) -> dict[str, Run]:
    """candidate -> its run, of those whose answers are collected. Raises RunError."""
    return {one.name: open_run(reports, one.run) for one in sweep.judged}


def bind_runs(reports: Path, sweep: Sweep) -> None:
    """Have every run of the sweep say that it is one of so many candidates, whatever becomes of its folder."""
    for one in sweep.candidates:
        with suppress(RunError):
            run = open_run(reports, one.run) if one.run else None
            member = SweepMember(sweep=sweep.sweep, candidate=one.name, of=sweep.of)
            if run is not None and run.info.sweep != member:
                run.update(sweep=member)


def is_begun(reports: Path, candidates: Iterable[Candidate]) -> bool:
    """Whether somebody judged one of them."""
    paths = (reports / one.run / "verdicts.csv" for one in candidates if one.run)
    return any(path.is_file() and path.stat().st_size > 0 for path in paths)


def check_name(name: str) -> str:
    """The name, if a run could have it. Raises InputError."""
    if not NAMES.fullmatch(name):
        raise InputError(f"{name!r} can't name a sweep or a candidate: use letters, digits, dot, dash and underscore")
    return name
