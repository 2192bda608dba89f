"""shown.csv: which candidate's pair of a prompt each reviewer saw, written before it is shown.

Whoever saw one candidate's pair has seen the base's answer: another candidate's pair of that prompt would give it away.
So what was shown is kept through restarts, also where no verdict came of it.
"""

from __future__ import annotations

from pathlib import Path

from eval.journal import Stamp, stamp_of
from eval.judge.store.side_files import append_row, read_rows
from eval.records import Row, utc_now

NAME = "shown.csv"


class ShownPair(Row):
    """One row of shown.csv, in the order of its columns."""

    reviewer: str
    candidate: str
    item: str
    shown_at: str


class ShownFile:
    """The rows of one sweep, of several servers too: read again when another one wrote."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._stamp: Stamp | None = None
        self._read = False

    def news(self) -> list[ShownPair]:
        """All rows where the file changed since this was last asked, else none. Raises InputError."""
        now = stamp_of(self._path)
        if self._read and now == self._stamp:
            return []
        self._read, self._stamp = True, now
        return read_rows(self._path, ShownPair)

    def add(self, reviewer: str, candidate: str, item: str) -> None:
        """Put one row on disk. Raises NotSaved."""
        append_row(self._path, ShownPair(reviewer=reviewer, candidate=candidate, item=item, shown_at=utc_now()))
