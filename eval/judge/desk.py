"""What all sittings at one run share: the pairs, the verdicts on disk, and one book a reviewer."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from eval.answers import read_answers
from eval.judge import blinding
from eval.judge.store import VerdictStore
from eval.records import Mark, Pair, Side, Verdict, utc_now
from eval.run import Run


@dataclass
class Book:
    """One reviewer's part of verdicts.csv: `last` row of each item, and those `standing`, the latest at the end."""

    order: list[str]
    sides: dict[str, Side]
    last: dict[str, Verdict] = field(default_factory=dict)
    standing: dict[str, Verdict] = field(default_factory=dict)

    def note(self, row: Verdict, counts: bool) -> None:
        self.last[row.item] = row
        self.standing.pop(row.item, None)
        if counts and row.outcome != "withdrawn":
            self.standing[row.item] = row

    def left(self, item: str) -> Side:
        """Which model stands left: an undone pair comes back with the sides that it had."""
        before = self.last.get(item)
        return before.left if before else self.sides[item]


class Desk:
    """What all sittings at one run share: the pairs to judge and the verdicts on disk.

    Pairs with identical answers, or with an answer missing, are not among `pairs`. Raises InputError where the run's
    files cannot be read.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        pairs = read_answers(run.responses_path).pairs(run.prompts())
        self.pairs: dict[str, Pair] = {pair.prompt_id: pair for pair in pairs if not pair.identical}
        self.store = VerdictStore(run)
        self._books: dict[str, Book] = {}
        self._noted = 0
        self._generation = self.store.generation

    @contextmanager
    def turn(self, reviewer: str) -> Iterator[Book]:
        """This reviewer's book, true to the file until the block ends. Raises NotSaved, InputError."""
        with self.store.turn():
            if self._generation != self.store.generation:
                self._books, self._noted, self._generation = {}, 0, self.store.generation
            self._note_new_rows()
            yield self._book(reviewer)

    def write(self, book: Book, item: str, mark: Mark, comment: str, seconds: float, reviewer: str) -> None:
        """Append a row, inside a turn. Raises NotSaved."""
        pair, before = self.pairs[item], book.last.get(item)
        row = Verdict(
            verdict_id=uuid.uuid4().hex,
            run=self.run.name,
            item=item,
            category=pair.category,
            reviewer=reviewer,
            outcome=mark,
            left=book.left(item),
            base_sha256=pair.base.sha256,
            tuned_sha256=pair.tuned.sha256,
            comment=comment,
            seconds=round(seconds, 2),
            judged_at=utc_now(),
            replaces=before.verdict_id if before else "",
        )
        self.store.append(row)
        self._note_new_rows()

    def _note_new_rows(self) -> None:
        for row in self.store.rows[self._noted :]:
            self._book(row.reviewer).note(row, counts=self._is_of_these_answers(row))
        self._noted = len(self.store.rows)

    def _is_of_these_answers(self, row: Verdict) -> bool:
        pair = self.pairs.get(row.item)
        return pair is not None and (pair.base.sha256, pair.tuned.sha256) == (row.base_sha256, row.tuned_sha256)

    def _book(self, reviewer: str) -> Book:
        if reviewer not in self._books:
            name = self.run.name
            order, sides = blinding.order(name, reviewer, self.pairs), blinding.sides(name, reviewer, self.pairs)
            self._books[reviewer] = Book(order, sides)
        return self._books[reviewer]
