"""`blindside judge SWEEP`: one page over all candidates; candidates that fall behind are dropped while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from blindside import console
from eval.answers import Answers, read_answers
from eval.errors import BlindsideError
from eval.run import Run
from eval.sweep import Sweep, bind_runs, is_begun, read_sweep, runs_of, write_sweep

if TYPE_CHECKING:
    from eval.evidence.sweep.standings import Standings
    from eval.judge.page.judging_state import JudgingState
    from eval.judge.study.study import Study
    from eval.judge.sweep.sweep_state import SweepState

State = TypeVar("State", bound="JudgingState")

#: Seconds between two looks at the race.
EVERY = 2.0
#: After a look, the next one waits at least this many times as long as it took.
SPARE = 20


def open_sweep(reports: Path, name: str, policy: Path | None) -> tuple[Sweep, dict[str, Run]]:
    """Fix what judging a sweep goes by: who is screened out, of how many one is chosen, each run's policy.

    Raises InputError where a screening rule lacks its figure.
    """
    from eval.evidence.sequential.racing import people_needed
    from eval.evidence.sweep.screen import by_answers
    from eval.records import utc_now

    found = read_sweep(reports, name)
    if not is_begun(reports, found.candidates):
        found = by_answers(found, reports).model_copy(update={"judged_at": utc_now()})
        write_sweep(reports, found)
        bind_runs(reports, found)
    for one in found.candidates:
        if one.state in ("failed", "screened"):
            console.say(f"note: {one.name} is not judged: {one.state}, {one.reason}")
    people = people_needed(len(found.judged) - len(found.dropped), found.race)
    if people > 1:
        console.say(f"note: nobody sees two pairs of one prompt: judging to the end takes {people} reviewers or more")
    return found, _with_policy(runs_of(reports, found), policy)


def _with_policy(runs: dict[str, Run], policy: Path | None) -> dict[str, Run]:
    """All by one policy: who comes later is decided by that of those that were judged before."""
    from eval.policy import freeze_policy, frozen_policy_path

    known = next((frozen_policy_path(run) for run in runs.values() if run.info.policy_sha256), None)
    return {one: freeze_policy(run, policy or known) for one, run in runs.items()}


def noted(desk: State) -> State:
    """The desk, once what its study or prompts lack was said."""
    for line in desk.notes():
        console.say(f"note: {line}")
    return desk


@contextmanager
def racing(reports: Path, sweep: Sweep, runs: dict[str, Run], study: Study | None) -> Iterator[SweepState]:
    """The judging state, whose candidates are dropped as the race has it, while the page is served."""
    from eval.judge.sweep.sweep_state import SweepState

    judging, end = noted(SweepState(reports / sweep.sweep, runs, study)), threading.Event()
    race = RaceWatch(reports, sweep.sweep, judging)
    race.look()
    thread = threading.Thread(target=race.until, args=(end,), daemon=True)
    thread.start()
    try:
        yield judging
    finally:
        end.set()
        thread.join()


class RaceWatch:
    """Looks at the verdicts of a sweep, writes down who is dropped, and has them asked about no more."""

    def __init__(self, reports: Path, name: str, judging: SweepState) -> None:
        self._reports, self._name, self._judging = reports, name, judging
        self._seen: object = None
        self._answers: dict[str, Answers] = {}
        self._said = ""

    def until(self, end: threading.Event) -> None:
        """Look whenever verdicts came, until `end`; what goes wrong is printed, and looked at again."""
        pause = EVERY
        while not end.wait(pause):
            began = time.monotonic()
            try:
                self.look()
            except BlindsideError as error:
                self._tell(f"cannot check which candidates of sweep {self._name} to drop: {error}")
            # The page goes first: on large runs a look takes its time.
            pause = max(EVERY, SPARE * (time.monotonic() - began))

    def look(self) -> None:
        """One look. Raises InputError, RunError."""
        from eval.evidence.sweep.standings import newly_dropped, standings
        from eval.journal import stamp_of

        found = read_sweep(self._reports, self._name)
        runs = runs_of(self._reports, found)
        stamps = [stamp_of(run.verdicts_path) for run in runs.values()], found.dropped
        if stamps == self._seen:
            return
        # Nobody collects into a run that is being judged.
        self._answers |= {
            one: read_answers(run.responses_path) for one, run in runs.items() if one not in self._answers
        }
        seen = standings(found, runs, self._answers)
        new = newly_dropped(found, seen)
        if new:
            write_sweep(self._reports, found.model_copy(update={"dropped": (*found.dropped, *new)}))
            for one in new:
                console.say(f"{one.candidate} is dropped: {one.why}")
        self._judging.stop(seen.race.dropped.keys())
        self._seen = stamps if not new else None
        self._tell(_state(found, runs, seen))

    def _tell(self, line: str) -> None:
        if line and line != self._said:
            self._said = line
            console.say(line)


def _state(sweep: Sweep, runs: dict[str, Run], seen: Standings) -> str:
    """What is left to do, once one is left or the plan is done."""
    if not seen.over or not any(seen.verdicts.values()):
        return ""
    best = seen.race.best
    return f"sweep {sweep.sweep}: {best} is the best of those left: `blindside gate {runs[best].name}`"
