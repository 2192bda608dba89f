"""All data of a sweep's pages, read again whenever a file of its runs has changed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eval.answers import Answers, read_answers
from eval.errors import RunError
from eval.evidence.sweep.standings import Standings, standings
from eval.journal import stamp_of
from eval.records import Prompt, Verdict, sha256_text
from eval.run import Run
from eval.sweep import Sweep, read_sweep, runs_of, sweep_path

_FILES = ("run.json", "prompts.jsonl", "responses.jsonl", "verdicts.csv", "skips.csv", "plan.json")


@dataclass(frozen=True)
class SweepSnapshot:
    """A sweep, the runs that people judge, their answers, and where they stand."""

    sweep: Sweep
    runs: Mapping[str, Run]
    answers: Mapping[str, Answers]
    standings: Standings

    @cached_property
    def prompts(self) -> dict[str, Prompt]:
        """item -> prompt, of any of the runs, in the order of the first."""
        return {prompt.id: prompt for run in reversed(list(self.runs.values())) for prompt in run.prompts()}

    @cached_property
    def verdicts(self) -> dict[str, dict[str, list[Verdict]]]:
        """candidate -> item -> the verdicts that count."""
        found: dict[str, dict[str, list[Verdict]]] = {name: {} for name in self.runs}
        for name, own in self.standings.verdicts.items():
            for verdict in own:
                found[name].setdefault(verdict.item, []).append(verdict)
        return found


def read_sweep_snapshot(reports: Path, name: str) -> SweepSnapshot:
    """Raises RunError where nothing was collected yet, InputError for files that cannot be trusted."""
    found = read_sweep(reports, name)
    runs = runs_of(reports, found)
    if not runs:
        raise RunError(f"no candidate of sweep {name} has answers yet: run `blindside sweep` first")
    answers = {one: read_answers(run.responses_path) for one, run in runs.items()}
    return SweepSnapshot(found, runs, answers, standings(found, runs, answers))


class SweepSource:
    """The newest snapshot, for many pages at once."""

    def __init__(self, reports: Path, name: str) -> None:
        self._reports, self._name = reports, name
        self._lock = threading.Lock()
        self._stamp = ""
        self._snapshot: SweepSnapshot | None = None

    def stamp(self) -> str:
        """Another one as soon as any of the files has changed."""
        found = read_sweep(self._reports, self._name)
        paths = [self._reports / one.run / file for one in found.judged for file in _FILES]
        stamps = [stamp_of(path) for path in (sweep_path(self._reports, self._name), *paths)]
        return sha256_text(repr(stamps))[:16]

    def current(self) -> SweepSnapshot:
        """Of the files as they are. Raises as `read_sweep_snapshot`."""
        with self._lock:
            stamp = self.stamp()
            if self._snapshot is None or stamp != self._stamp:
                self._snapshot = read_sweep_snapshot(self._reports, self._name)
                self._stamp = stamp
            return self._snapshot
