"""One run on a judging page: its pairs, its key, its rows on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from eval.judge.setup.begin import JudgingSetup, begin_judging
from eval.judge.setup.frozen_study import rows_path
from eval.judge.store.ledger import Ledger
from eval.judge.study.study import Study
from eval.judge.study.tasks import Task
from eval.records import Judgement, Side
from eval.run import Run


class JudgedRun:
    """A run that is judged. `prefix` stands before its items where a page has several runs with the same items."""

    def __init__(self, run: Run, study: Study | None = None, prefix: str = "") -> None:
        self.setup: JudgingSetup = begin_judging(run, study)
        self.study, self.prefix = self.setup.study, prefix
        self.run = self.setup.marked.run
        self.tasks = {prefix + item: task for item, task in self.setup.marked.tasks.items()}
        self.targets = {prefix + item: n for item, n in self.setup.plan.reviewers.items()}
        self.ledger: Ledger[Judgement] = Ledger(
            rows_path(self.run, self.study), self.study.row, self.run.name, self.study.columns
        )
        self._noted = 0
        self._generation = self.ledger.generation

    def own(self, item: str) -> str:
        """An item as the run knows it."""
        return item.removeprefix(self.prefix)

    def shown(self, item: str, task: Task, *, mask: bool) -> Task:
        return self.setup.marked.shown(self.own(item), task, mask=mask)

    def sides(self, reviewer: str) -> dict[str, Side]:
        """Which model stands left for each of its items, by the run's key."""
        own = [self.own(item) for item in self.tasks]
        return {self.prefix + item: side for item, side in self.setup.blinding.sides(reviewer, own).items()}

    @property
    def read_anew(self) -> bool:
        """Whether the file was not only appended to since its rows were last taken."""
        return self._generation != self.ledger.generation

    def forget(self) -> None:
        """Have `new_rows` give every row of the file."""
        self._noted, self._generation = 0, self.ledger.generation

    def new_rows(self) -> Sequence[Judgement]:
        """The rows since this was last asked."""
        new = self.ledger.rows[self._noted :]
        self._noted = len(self.ledger.rows)
        return new


class RunLedgers:
    """The files of all runs of a page, held together."""

    def __init__(self, judged_runs: Sequence[JudgedRun]) -> None:
        self._judged_runs = judged_runs

    @property
    def rows(self) -> list[Judgement]:
        """Those of all files, one file after the other."""
        return [row for judged in self._judged_runs for row in judged.ledger.rows]

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold all files, always in the same order. Raises NotSaved, InputError."""
        with ExitStack() as stack:
            for judged in self._judged_runs:
                stack.enter_context(judged.ledger.turn())
            yield

    def look(self) -> None:
        """Put back what vanished from any of them. Raises as `turn`."""
        for judged in self._judged_runs:
            judged.ledger.look()

    def restored(self, reviewer: str) -> int:
        """How many rows of a reviewer were put back since this was last asked."""
        return sum(judged.ledger.restored(reviewer) for judged in self._judged_runs)
