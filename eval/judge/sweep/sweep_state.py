"""What all sessions on one sweep share: one judging state over the runs of its candidates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from eval.errors import InputError
from eval.judge.page.judged_run import JudgedRun
from eval.judge.page.judging_state import JudgingState
from eval.judge.page.reviewer_state import ReviewerState
from eval.judge.setup.keyfile import KEY_FILE, make_key, read_key
from eval.judge.store.file_lock import FileLock
from eval.judge.study.assignment import ReviewerQueue
from eval.judge.study.blinding import Blinding
from eval.judge.study.control_items import Key
from eval.judge.study.study import NAME, Study, read_frozen
from eval.judge.sweep.design import SweepPool, SweepQueue
from eval.judge.sweep.shown import ShownFile
from eval.records import Judgement
from eval.run import Run

#: Between a candidate and an item, neither of which holds it.
_BETWEEN = "\x1f"


class SweepState(JudgingState):
    """Each candidate's verdicts are rows of its own run, with sides by that run's key. `folder` is the sweep's.

    Raises InputError as JudgingState, and for a study by thumbs: there is no base's answer in it to compare with.
    """

    pool: SweepPool

    def __init__(self, folder: Path, runs: Mapping[str, Run], study: Study | None = None) -> None:
        if not runs:
            raise InputError(f"no candidate of sweep {folder.name} has answers: run `blindside sweep` first")
        study = study or next((read_frozen(run.folder) for run in runs.values() if (run.folder / NAME).exists()), None)
        if study is not None and study.mode == "thumbs":
            raise InputError(
                "a sweep is judged by comparing, because thumbs say nothing about the base: judge it with `--mode "
                "compare` (or graded), and give thumbs in a run outside the sweep"
            )
        judged_runs = [JudgedRun(run, study, f"{name}{_BETWEEN}") for name, run in runs.items()]
        self._candidates = {judged.prefix: name for judged, name in zip(judged_runs, runs, strict=True)}
        self._shown = ShownFile(folder)
        self._open(judged_runs, Blinding(folder.name, _key(folder)))
        for state in self._states.values():
            for kind, item in state.skipped:
                if kind == "judgement" and item in self.tasks:
                    self.pool.see(state.reviewer, item)

    def _pool(self) -> SweepPool:
        arms = {item: self._candidates[judged.prefix] for item, judged in self._run_of.items()}
        targets = {item: n for judged in self._judged_runs for item, n in judged.targets.items()}
        categories = {item: task.category for item, task in self.tasks.items()}
        return SweepPool(categories, targets, arms, {item: judged.own(item) for item, judged in self._run_of.items()})

    def _way(self, reviewer: str) -> ReviewerQueue:
        sides = {item: side for judged in self._judged_runs for item, side in judged.sides(reviewer).items()}
        return SweepQueue(self.pool, self._blinding, reviewer, sides)

    def stop(self, candidates: Collection[str]) -> None:
        """These candidates are asked no more; whoever has a pair of theirs on the page may still judge it."""
        with self.ledger.turn():
            self.pool.stop(candidates)

    @contextmanager
    def turn(self, reviewer: str) -> Iterator[ReviewerState]:
        with super().turn(reviewer) as state:
            self._take_shown()
            yield state

    def next(self, state: ReviewerState) -> Key | None:
        return self._written(state, super().next(state))

    def after(self, state: ReviewerState, shown: Key) -> Key | None:
        """As in any run; a pair that a page has ready is with its reviewer, so it is written down like one on it."""
        return self._written(state, super().after(state, shown))

    def _written(self, state: ReviewerState, key: Key | None) -> Key | None:
        if key is not None and key[0] == "judgement" and not self.pool.is_seen(state.reviewer, key[1]):
            judged, item = self._of(key)
            self._shown.add(state.reviewer, self._candidates[judged.prefix], item)
            self.pool.see(state.reviewer, key[1])
        return key

    def _take_shown(self) -> None:
        """What this and other servers put before people."""
        for row in self._shown.news():
            item = f"{row.candidate}{_BETWEEN}{row.item}"
            if item in self.tasks:
                self.pool.see(row.reviewer, item)

    def _note(self, judged: JudgedRun, row: Judgement) -> None:
        super()._note(judged, row)
        item = judged.prefix + row.item
        if item in self.tasks:
            self.pool.see(row.reviewer, item)


def _key(folder: Path) -> bytes:
    """What decides order and further pairs. Two servers that start at once make one."""
    with FileLock(folder / ".blinding.lock").held():
        return read_key(folder / KEY_FILE) or make_key(folder / KEY_FILE)
