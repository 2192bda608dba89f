"""One reviewer's sitting, without a word of Gradio: what the page asks for, and what it is shown then.

Every action carries the nonce of the showing that it answers. A nonce is good once: whatever is posted twice, late, or
by hand is answered with the pair that is due, and nothing is recorded.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import Field

from eval.answers import read_answers
from eval.errors import BlindsideError
from eval.judge import blinding
from eval.judge.assignment import next_item
from eval.judge.cells import LONGEST
from eval.judge.names import clean_name
from eval.judge.store import VerdictStore
from eval.records import Mark, Pair, Row, Side, Verdict, utc_now
from eval.run import Run

#: What the page's field takes; a longer one that came into the file by hand is kept.
LONGEST_COMMENT = 4000


class Action(Row):
    """What the browser sends. `hello` is the page's opening, `sit` gives a name."""

    act: Literal["hello", "sit", "vote", "skip", "undo"]
    reviewer: str = Field(default="", max_length=400)
    nonce: str = Field(default="", max_length=100)
    choice: blinding.Choice | None = None
    comment: str = Field(default="", max_length=LONGEST)


@dataclass(frozen=True)
class View:
    """What to show. `pair` and `left` are there in the state "ask" only.

    `saved`: a row was written. `keep`: nothing was written, so the page keeps the comment where the pair is the same.
    """

    state: Literal["welcome", "ask", "done", "none", "broken"]
    nonce: str
    reviewer: str = ""
    judged: int = 0
    total: int = 0
    skipped: int = 0
    pair: Pair | None = None
    left: Side = "base"
    comment: str = ""
    notice: str = ""
    saved: bool = False
    keep: bool = False
    can_undo: bool = False


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
            left=before.left if before and mark == "withdrawn" else book.sides[item],
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


class Sitting:
    """One browser page of one reviewer. Its methods may be called by several threads at once."""

    def __init__(self, desk: Desk, reviewer: str) -> None:
        self.desk = desk
        self.reviewer = reviewer
        self._nonce = ""
        self._view = View(state="none", nonce="")
        self._item: str | None = None
        self._shown_at = 0.0
        self._skipped: list[str] = []
        self._drafts: dict[str, str] = {}

    def show(self, notice: str = "") -> View:
        """The pair that is due; with a notice, a comment on the page is kept. Raises NotSaved, InputError."""
        with self.desk.turn(self.reviewer) as book:
            return self._due(book, notice, keep=bool(notice))

    def handle(self, action: Action) -> View:
        """Do what the page asks, and answer with what to show: the same once more where nothing could be saved."""
        try:
            with self.desk.turn(self.reviewer) as book:
                if action.nonce != self._nonce:
                    return self._due(book, STALE if action.act == "vote" else "", keep=True)
                return self._do(book, action)
        except BlindsideError as error:
            return self._same(str(error), action.comment)

    def _do(self, book: Book, action: Action) -> View:
        if action.act == "undo":
            return self._undo(book, action.comment)
        item = self._item
        if item is None:
            return self._due(book)
        if item in book.standing:
            return self._due(book, ELSEWHERE)
        if action.act == "skip":
            self._skipped = [*(i for i in self._skipped if i != item), item]
            self._drafts[item] = action.comment
            return self._due(book)
        if action.choice is None:
            return self._same(STALE, action.comment)
        mark = blinding.outcome(action.choice, self._left(book, item))
        self.desk.write(book, item, mark, action.comment, time.monotonic() - self._shown_at, self.reviewer)
        self._drafts.pop(item, None)
        return self._due(book, saved=True)

    def _undo(self, book: Book, comment: str) -> View:
        """Take back the last judgement in force, and show its pair again with its comment."""
        if not book.standing:
            return self._same(NOTHING_TO_UNDO, comment)
        item, verdict = next(reversed(book.standing.items()))
        self.desk.write(book, item, "withdrawn", verdict.comment, 0.0, self.reviewer)
        if self._item is not None:
            self._drafts[self._item] = comment
        self._skipped = [i for i in self._skipped if i != item]
        return self._show(book, item, UNDONE, saved=True)

    def _same(self, notice: str, comment: str) -> View:
        """What was shown before, once more."""
        self._nonce = blinding.nonce()
        self._view = replace(self._view, nonce=self._nonce, notice=notice, comment=comment, saved=False, keep=True)
        return self._view

    def _due(self, book: Book, notice: str = "", *, saved: bool = False, keep: bool = False) -> View:
        """The pair on the page if it is still to be judged, or else the next one."""
        item = self._item
        if item is None or item in book.standing or item in self._skipped:
            item = next_item(book.order, book.standing, self._skipped)
        return self._show(book, item, notice, saved=saved, keep=keep)

    def _show(self, book: Book, item: str | None, notice: str, *, saved: bool = False, keep: bool = False) -> View:
        if item != self._item or not self._nonce:
            self._shown_at = time.monotonic()
        self._item, self._nonce = item, blinding.nonce()
        self._view = View(
            state="ask" if item else "done" if self.desk.pairs else "none",
            nonce=self._nonce,
            reviewer=self.reviewer,
            judged=len(book.standing),
            total=len(self.desk.pairs),
            skipped=sum(i not in book.standing for i in self._skipped),
            pair=self.desk.pairs[item] if item else None,
            left=self._left(book, item) if item else "base",
            comment=self._comment(book, item) if item else "",
            notice=notice,
            saved=saved,
            keep=keep,
            can_undo=bool(book.standing),
        )
        return self._view

    def _left(self, book: Book, item: str) -> Side:
        """An undone pair comes back with the sides that it had."""
        before = book.last.get(item)
        return before.left if before else book.sides[item]

    def _comment(self, book: Book, item: str) -> str:
        before = book.last.get(item)
        return self._drafts.get(item, before.comment if before else "")


def answer(desk: Desk, sitting: Sitting | None, action: Action, *, fixed: str = "") -> tuple[Sitting | None, View]:
    """What the page is answered, and the sitting that goes on. No page can change a `fixed` name."""
    name, problem = clean_name(fixed or action.reviewer)
    if not desk.pairs:
        return None, View(state="none", nonce=blinding.nonce(), reviewer=name)
    if not name:
        asked_for = action.act == "sit"
        return None, View(
            state="welcome", nonce=blinding.nonce(), notice=problem if asked_for else "", total=len(desk.pairs)
        )
    if sitting is not None and sitting.reviewer == name and action.act not in ("hello", "sit"):
        return sitting, sitting.handle(action)
    sitting = Sitting(desk, name)
    return sitting, sitting.show(STALE if action.act == "vote" else "")


STALE = "That answer was for a pair that is no longer open, and was not recorded: this is the pair to judge now."
ELSEWHERE = "That pair was judged in another tab already: this is the next one."
UNDONE = "Taken back. Judge this pair again."
NOTHING_TO_UNDO = "There is nothing to undo."
