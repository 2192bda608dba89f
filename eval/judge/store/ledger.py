"""The one writer of verdicts.csv and thumbs.csv: each row is on disk before the page moves on.

Others may change the file at any time: a second server appends, a spreadsheet saves what it had opened, a sync tool
puts an older copy back. Whatever they do, a row that was acknowledged is in the file again before the next one is.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Generic

from eval.errors import InputError, NotSaved
from eval.journal import FileChanged, Journal, Stamp, read_stamped, stamp_of, whole_csv_rows
from eval.judge.csv_codec import Columns, encode_row
from eval.judge.store.acknowledged import (
    Acknowledged,
    acknowledged_path,
    changed_rows,
    in_short,
    read_acknowledged,
)
from eval.judge.store.file_lock import FileLock
from eval.judge.store.hash_chain import sealed
from eval.judge.store.settled_file import Read, read_settled
from eval.judge.store.store_errors import cannot_put_back, changed_too_often, not_saved, other_columns
from eval.judge.store.verdict_files import R, RowsFile, parse_rows

_log = logging.getLogger(__name__)

#: How often a file that changes under our hands is read again before we give up.
MOST_LOOKS = 20


class Ledger(Generic[R]):
    """The rows of one file of one run, for many threads and processes at once.

    `rows` is what the file holds; it is up to date inside `turn()`. `generation` changes when `rows` was read again
    rather than appended to.
    Raises InputError at once where the file cannot be read or written beside, or has other columns.
    """

    def __init__(self, path: Path, row: type[R], run: str, columns: Columns) -> None:
        self.rows: list[R] = []
        self.generation = 0
        self._path = path
        self._row = row
        self._run = run
        self._columns = columns
        self._lines: Mapping[str, int] = {}
        self._torn = False
        self._journal = Journal(path, whole_csv_rows, lambda tail: not self._torn)
        self._copy = Acknowledged(path, row, columns)
        self._thread = threading.RLock()
        self._lock = FileLock(path.with_name(f".{path.stem}.lock"))
        self._stamp: Stamp | None = None
        self._looked = False
        #: Of the file as we left it: the hash of its bytes, and how many they are.
        self._sha256, self._size = hashlib.sha256(), 0
        #: verdict_id -> row: all that the file must hold.
        self._known: dict[str, R] = {}
        self._told: set[str] = set()
        #: Reviewers of rows that were put back, one entry a row.
        self._restored: Counter[str] = Counter()
        self._begin()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the file alone, over threads and processes, so that what is checked still holds when it is written.

        Raises NotSaved where the run folder cannot be written to, InputError where the file cannot be trusted.
        """
        with self._thread, ExitStack() as stack:
            try:
                stack.enter_context(self._lock.held())
            except OSError as error:
                raise not_saved(error) from error
            self._catch_up()
            yield

    def look(self) -> None:
        """Put back what vanished, where somebody touched the file. Raises as `turn`."""
        if stamp_of(self._path) != self._stamp:
            with self.turn():
                pass

    def restored(self, reviewer: str) -> int:
        """How many rows of a reviewer had vanished and were put back since this was last asked."""
        return self._restored.pop(reviewer, 0)

    def append(self, *rows: R) -> None:
        """Put rows on disk; when this returns they are there. Raises NotSaved, and then the file is as before."""
        with self.turn():
            for _ in range(MOST_LOOKS):
                if self._appended(rows):
                    # Somebody may have written in the same moment.
                    self._catch_up()
                    return
                self._catch_up()
            raise changed_too_often(self._path)

    def _appended(self, rows: Sequence[R]) -> bool:
        """Whether the rows are on disk behind the row that their first seal follows."""
        try:
            self._write(self._sealed(rows))
        except FileChanged:
            return False
        except (OSError, ValueError) as error:
            raise not_saved(error) from error
        return True

    def _begin(self) -> None:
        try:
            with self.turn():
                self._report(self._journal.repair())
                self._catch_up()
                acknowledged = read_acknowledged(self._path, self._row, run=self._run)
                self._copy.add(row for row in self.rows if row.verdict_id not in acknowledged)
        except (NotSaved, OSError) as error:
            cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
            reason = cause.strerror if isinstance(cause, OSError) else cause
            raise InputError(
                f"cannot be written ({reason}): free the disk or the folder, then judge", path=self._path
            ) from None

    def _write(self, rows: Sequence[R]) -> None:
        """Sealed rows onto the disk. Raises OSError, ValueError, FileChanged."""
        data = b"".join(encode_row(row, self._columns) for row in rows)
        before = self._stamp
        header = b"" if before and before[1] else self._columns.header(self._row)
        self._report(self._journal.append(data, header=self._columns.header(self._row), fits=self._fits))
        self.rows.extend(rows)
        self._known |= {row.verdict_id: row for row in rows}
        self._torn = False
        now = stamp_of(self._path)
        # A stamp is trusted only where nothing but our own bytes can have changed the file.
        size = len(header + data) + (before[1] if before else 0)
        ours = now is not None and now[1] == size and (before is None or before[0] == now[0])
        self._stamp = now if ours else None
        self._sha256.update(header + data)
        self._size += len(header + data)
        self._copy.add(rows)

    def _catch_up(self) -> None:
        """Know the file as it is, with all in it that it must hold."""
        for _ in range(MOST_LOOKS):
            now = stamp_of(self._path)
            if self._looked and now == self._stamp and (now is not None or not self._known):
                return
            if not self._looked or _replaced(self._stamp, now):
                self._known = read_acknowledged(self._path, self._row, run=self._run) | self._known
            self._take(*self._read_settled())
            lost = [row for key, row in self._known.items() if key not in self._lines]
            if lost:
                self._put_back(lost)
        raise changed_too_often(self._path)

    def _read_settled(self) -> Read[R]:
        row, run, known = self._row, self._run, self._known
        file, data, stamp = read_settled(self._path, lambda data: parse_rows(self._path, data, row, run=run), known)
        if file.columns is not None and file.columns != self._columns:
            raise other_columns(self._path, file.columns, self._columns)
        return file, data, stamp

    def _take(self, file: RowsFile[R], data: bytes, stamp: Stamp | None) -> None:
        grown = bool(self.rows) and self._only_grew(data)
        self.rows, self._lines, self._torn = file.rows, file.lines, file.torn is not None
        self.generation += 1
        self._stamp, self._looked = stamp, True
        self._sha256, self._size = hashlib.sha256(data), len(data)
        self._known |= {row.verdict_id: row for row in file.rows if row.verdict_id not in self._known}
        if not grown:
            self._tell_changes(file)

    def _only_grew(self, data: bytes) -> bool:
        """Whether the file begins with what we left: then others only appended, and no row of ours was touched."""
        return self._size <= len(data) and hashlib.sha256(data[: self._size]).digest() == self._sha256.digest()

    def _tell_changes(self, file: RowsFile[R]) -> None:
        alterations = [one for one in changed_rows(self._path, file, self._known) if one not in self._told]
        self._told.update(alterations)
        for line in in_short(alterations):
            _log.warning("%s", line)

    def _put_back(self, lost: Sequence[R]) -> None:
        """Append rows that were acknowledged and have vanished: they are ours, and whole."""
        try:
            if self._torn:
                self._report(self._journal.repair())
                return
            rows = self._resealed(lost)
            self._write(rows)
        except FileChanged:
            return
        except (InputError, OSError, ValueError) as error:
            raise cannot_put_back(self._path, lost, error) from None
        self._restored.update(row.reviewer for row in rows)
        _log.warning(
            "%s: rows that had been saved were missing: put back %d (to be rid of them for good, end this server and "
            "remove them from %s too)",
            self._path,
            len(rows),
            acknowledged_path(self._path).name,
        )

    def _resealed(self, lost: Sequence[R]) -> list[R]:
        """The rows, each sealed behind the one before it. Raises InputError where the file would not hold them."""
        rows = self._sealed(lost)
        data = read_stamped(self._path)[0] or self._columns.header(self._row)
        lines = b"".join(encode_row(row, self._columns) for row in rows)
        parse_rows(self._path, data + (b"" if data.endswith(b"\n") else b"\n") + lines, self._row, run=self._run)
        return rows

    def _sealed(self, rows: Sequence[R]) -> list[R]:
        """The rows, each sealed behind the one before it. Raises ValueError as encode_row."""
        found, before = [], self._last_seal()
        for row in rows:
            found.append(sealed(row, before, self._columns))
            before = found[-1].seal
        return found

    def _fits(self, stamp: Stamp) -> bool:
        """Whether a file that was just opened is the one that was read; a new one is empty."""
        return stamp == self._stamp if self._stamp else stamp[1] == 0

    def _last_seal(self) -> str:
        return self.rows[-1].seal if self.rows else ""

    def _report(self, aside: Path | None) -> None:
        if aside is not None:
            _log.warning("%s: a torn last row was set aside in %s; the rows before it are intact", self._path, aside)


def _replaced(before: Stamp | None, now: Stamp | None) -> bool:
    """Whether more was done to a file than to append to it."""
    return before is None or now is None or before[0] != now[0] or now[1] < before[1]
