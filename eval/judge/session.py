"""One reviewer's sitting, without a word of Gradio: what the page asks for, and what it is shown then.

Every action carries the nonce of the showing that it answers. A nonce is good once: whatever is posted twice, late, or
by hand is answered with the pair that is due, and nothing is recorded.
"""

from __future__ import annotations

import time
from dataclasses import replace

from eval.errors import BlindsideError
from eval.judge import blinding
from eval.judge.assignment import next_item
from eval.judge.desk import Book, Desk
from eval.judge.forms import Notice
from eval.judge.names import clean_name
from eval.judge.showing import LONGEST_COMMENT, Action, Recent, View

__all__ = ["LONGEST_COMMENT", "Action", "Notice", "Recent", "Sitting", "View", "answer"]


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

    def show(self, notice: Notice | None = None) -> View:
        """The pair that is due; with a notice, a comment on the page is kept. Raises NotSaved, InputError."""
        with self.desk.turn(self.reviewer) as book:
            return self._due(book, notice, keep=bool(notice))

    def handle(self, action: Action) -> View:
        """Do what the page asks, and answer with what to show: the same once more where nothing could be saved."""
        try:
            with self.desk.turn(self.reviewer) as book:
                if action.nonce != self._nonce:
                    return self._due(book, STALE if action.act == "vote" else None, keep=True)
                return self._do(book, action)
        except BlindsideError as error:
            return self._same(Notice("broken", str(error)), action.comment)

    def _do(self, book: Book, action: Action) -> View:
        if action.act == "show":
            return self._same(None, action.comment)
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
        if action.choice == "up" or action.choice == "down":
            return self._same(STALE, action.comment)
        mark = blinding.outcome(action.choice, book.left(item))
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

    def _same(self, notice: Notice | None, comment: str) -> View:
        """What was shown before, once more."""
        self._nonce = blinding.nonce()
        self._view = replace(self._view, nonce=self._nonce, notice=notice, comment=comment, saved=False, keep=True)
        return self._view

    def _due(self, book: Book, notice: Notice | None = None, *, saved: bool = False, keep: bool = False) -> View:
        """The pair on the page if it is still to be judged, or else the next one."""
        item = self._item
        if item is None or item in book.standing or item in self._skipped:
            item = next_item(book.order, book.standing, self._skipped)
        return self._show(book, item, notice, saved=saved, keep=keep)

    def _show(
        self, book: Book, item: str | None, notice: Notice | None, *, saved: bool = False, keep: bool = False
    ) -> View:
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
            left=book.left(item) if item else "base",
            comment=self._comment(book, item) if item else "",
            notice=notice,
            saved=saved,
            keep=keep,
            can_undo=bool(book.standing),
        )
        return self._view

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
            state="welcome", nonce=blinding.nonce(), notice=problem if asked_for else None, total=len(desk.pairs)
        )
    if sitting is not None and sitting.reviewer == name and action.act not in ("hello", "sit"):
        return sitting, sitting.handle(action)
    sitting = Sitting(desk, name)
    return sitting, sitting.show(STALE if action.act == "vote" else None)


STALE = Notice("stale")
ELSEWHERE = Notice("elsewhere")
UNDONE = Notice("undone")
NOTHING_TO_UNDO = Notice("nothing_to_undo")
