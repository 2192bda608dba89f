"""A run's files as they were at one moment, read once for all pages, and read anew only where they changed."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from eval.answers import Answers, read_answers
from eval.evidence.report import Summary, summarise
from eval.evidence.table import Table, build_table
from eval.judge.store import read_verdicts
from eval.records import Failure, Pair, Prompt, Verdict
from eval.run import Run, open_run

Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True)
class Entry:
    """One prompt of the run, what was answered, and the verdicts on it that count. `number` counts from 1."""

    number: int
    prompt: Prompt
    pair: Pair | None
    failures: tuple[Failure, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def asked(self) -> str:
        """The last question of the conversation."""
        return self.prompt.messages[-1].content

    @property
    def disagreement(self) -> bool:
        return len({verdict.outcome for verdict in self.verdicts}) > 1

    @cached_property
    def haystack(self) -> str:
        """All that a search looks through, folded."""
        texts = [self.prompt.id, *(message.content for message in self.prompt.messages)]
        if self.pair is not None:
            texts += [self.pair.base.text, self.pair.tuned.text]
        return "\n".join([*texts, *(verdict.comment for verdict in self.verdicts)]).casefold()


@dataclass(frozen=True)
class Snapshot:
    """`rows` is all of verdicts.csv; `counted` are the rows that the figures are made of."""

    run: Run
    entries: tuple[Entry, ...]
    table: Table
    rows: tuple[Verdict, ...]
    counted: tuple[Verdict, ...]

    @cached_property
    def summary(self) -> Summary:
        return summarise(self.table, failed=self.run.info.counts.get("failed", 0))

    @cached_property
    def by_id(self) -> dict[str, Entry]:
        return {entry.prompt.id: entry for entry in self.entries}

    @cached_property
    def categories(self) -> tuple[str, ...]:
        return tuple(sorted({entry.prompt.category for entry in self.entries} - {""}))

    @cached_property
    def reviewers(self) -> tuple[str, ...]:
        return tuple(sorted(self.table.reviewers))


class Source:
    """The newest snapshot of a run, for many pages at once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._stamp: Stamp = ()
        self._looked_at = datetime.now(UTC)

    def current(self, *, refresh: bool = True) -> tuple[Snapshot, datetime]:
        """The snapshot there is, and when the files were last looked at; with `refresh` that is now.

        Raises InputError or RunError for files that cannot be trusted.
        """
        with self._lock:
            if self._snapshot is None or refresh:
                self._snapshot = self._refreshed(self._snapshot)
            return self._snapshot, self._looked_at

    def _refreshed(self, before: Snapshot | None) -> Snapshot:
        # Time and stamp are taken before reading: what is written meanwhile is seen by the next refresh.
        self._looked_at = datetime.now(UTC)
        stamp = _stamp(self._run)
        if before is not None and stamp == self._stamp:
            return before
        snapshot = read_snapshot(open_run(self._run.folder.parent, self._run.folder.name))
        self._stamp = stamp
        return snapshot


def read_snapshot(run: Run) -> Snapshot:
    """Read the run's files. Raises InputError for files that cannot be trusted."""
    answers = read_answers(run.responses_path)
    rows = read_verdicts(run.verdicts_path, run=run.name)
    table, counted = build_table(run, answers, rows)
    entries = tuple(_entries(run.prompts(), answers, counted))
    return Snapshot(run, entries, table, tuple(rows), tuple(counted))


def _entries(prompts: Sequence[Prompt], answers: Answers, counted: Sequence[Verdict]) -> list[Entry]:
    pairs = {pair.prompt_id: pair for pair in answers.pairs(prompts)}
    failures: dict[str, list[Failure]] = defaultdict(list)
    for failure in answers.failures.values():
        failures[failure.prompt_id].append(failure)
    verdicts: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in counted:
        verdicts[verdict.item].append(verdict)
    return [
        Entry(number, prompt, pairs.get(prompt.id), tuple(failures[prompt.id]), tuple(verdicts[prompt.id]))
        for number, prompt in enumerate(prompts, start=1)
    ]


def _stamp(run: Run) -> Stamp:
    return tuple(map(_stamp_of, (run.folder / "run.json", run.prompts_path, run.responses_path, run.verdicts_path)))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
