"""verdicts.csv: one row a judgement, appended, on disk before the page moves on. Nothing in it is ever rewritten."""

from __future__ import annotations

import csv
import fcntl
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from pydantic import ValidationError

from eval.errors import InputError, NotSaved
from eval.journal import Journal, whole_csv_rows
from eval.judge.cells import HEADER, encode_row, restore
from eval.records import VERDICT_COLUMNS, Verdict
from eval.run import Run

_log = logging.getLogger(__name__)


def read_verdicts(path: Path, *, run: str | None = None) -> list[Verdict]:
    """The rows of a verdicts.csv in the order of the file; a missing or empty file holds none.

    A torn last row is set aside first and logged. Raises InputError, naming the file and the physical line, for a row
    that is no verdict, that repeats a verdict_id, that belongs to another run (another than `run`, or than the first
    row), or that judges again what its reviewer judged before without replacing it.
    """
    try:
        data = _whole_rows(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): mend that, nothing was changed", path=path) from None
    checks = _Checks(path, run)
    return [checks.admit(cells, line) for line, cells in _rows(path, data)]


def in_force(rows: Iterable[Verdict]) -> list[Verdict]:
    """The judgements that count: not replaced by another row, not withdrawn. At most one an (item, reviewer)."""
    rows = list(rows)
    replaced = {row.replaces for row in rows if row.replaces}
    return [row for row in rows if row.outcome != "withdrawn" and row.verdict_id not in replaced]


class VerdictStore:
    """The verdicts of one run, for many threads and processes at once.

    `rows` is what the file holds; it is up to date inside `turn()`. `generation` changes when `rows` was read anew
    rather than appended to. Raises InputError at once where the file cannot be read.
    """

    def __init__(self, run: Run) -> None:
        self.rows: list[Verdict] = []
        self.generation = 0
        self._run = run
        self._path = run.verdicts_path
        self._journal = Journal(self._path, whole_csv_rows)
        self._thread = threading.RLock()
        self._depth = 0
        self._stamp: tuple[int, int, int] | None = None
        self._catch_up()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the file alone, over threads and processes, so that what is checked still holds when it is written.

        Raises NotSaved where the run folder cannot be written to.
        """
        with self._thread, self._alone():
            self._catch_up()
            yield

    def append(self, verdict: Verdict) -> None:
        """Put one row on disk; when this returns it is there. Raises NotSaved, and then the file is as before."""
        with self.turn():
            try:
                _report(self._journal.append(encode_row(verdict), header=HEADER))
            except (OSError, ValueError) as error:
                raise _not_saved(error) from error
            self.rows.append(verdict)
            self._stamp = self._stamp_now()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The lock between processes; entered once a thread, however often `turn` is nested."""
        if self._depth:
            yield
            return
        try:
            fd = os.open(self._path.with_name(".verdicts.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _not_saved(error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            self._depth += 1
            yield
        finally:
            self._depth -= 1
            os.close(fd)

    def _catch_up(self) -> None:
        stamp = self._stamp_now()
        if stamp != self._stamp:
            self.rows = read_verdicts(self._path, run=self._run.name)
            self.generation += 1
            self._stamp = self._stamp_now()

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_ino, stat.st_size, stat.st_mtime_ns


class _Checks:
    """What each row must be, given the rows before it."""

    def __init__(self, path: Path, run: str | None) -> None:
        self._path = path
        self._run = run
        self._lines: dict[str, int] = {}
        self._standing: dict[tuple[str, str], Verdict] = {}

    def admit(self, cells: list[str], line: int) -> Verdict:
        row = self._parse(cells, line)
        self._run = self._run or row.run
        if row.run != self._run:
            raise self._error(f"run: {row.run!r} is not {self._run!r}: move the row to its own run's file", line)
        if row.verdict_id in self._lines:
            first = self._lines[row.verdict_id]
            raise self._error(f"verdict_id: {row.verdict_id} is on line {first} too: remove one of the two rows", line)
        self._lines[row.verdict_id] = line
        self._count_once(row, line)
        return row

    def _count_once(self, row: Verdict, line: int) -> None:
        key = (row.item, row.reviewer)
        before = self._standing.get(key)
        if before is not None and row.replaces != before.verdict_id:
            first = self._lines[before.verdict_id]
            raise self._error(
                f"replaces: {row.reviewer!r} judged item {row.item!r} on line {first} already: "
                f"remove one of the two rows, or put {before.verdict_id} here",
                line,
            )
        self._standing[key] = row

    def _parse(self, cells: list[str], line: int) -> Verdict:
        if len(cells) != len(VERDICT_COLUMNS):
            raise self._error(f"{len(cells)} cells instead of {len(VERDICT_COLUMNS)}: mend or remove the row", line)
        try:
            return Verdict.model_validate(dict(zip(VERDICT_COLUMNS, map(restore, cells), strict=True)))
        except ValidationError as error:
            first = error.errors()[0]
            raise self._error(
                f"{first['loc'][0]}: {first['msg']}, not {first['input']!r}: mend the cell", line
            ) from None

    def _error(self, problem: str, line: int) -> InputError:
        return InputError(problem, path=self._path, line=line)


def _whole_rows(path: Path) -> bytes:
    data = path.read_bytes()
    if whole_csv_rows(data) != len(data):
        _report(Journal(path, whole_csv_rows).mend())
        data = path.read_bytes()
    return data


def _rows(path: Path, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """(physical line, cells) of each row below the header. A BOM, CRLF and empty lines are let pass."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8: save the file as UTF-8", path=path, line=line) from None
    reader = csv.reader(StringIO(text, newline="\n"), strict=True)
    start = 1
    try:
        for cells in reader:
            if start == 1:
                _check_header(path, cells)
            elif cells:
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{error}: mend or remove the row", path=path, line=start) from None


def _check_header(path: Path, cells: list[str]) -> None:
    if tuple(cells) != VERDICT_COLUMNS:
        wrong = sorted(set(cells) ^ set(VERDICT_COLUMNS)) or ["their order"]
        raise InputError(f"columns: {', '.join(wrong)}: they must be {','.join(VERDICT_COLUMNS)}", path=path, line=1)


def _report(aside: Path | None) -> None:
    if aside is not None:
        _log.warning("a torn last row of verdicts.csv was set aside in %s; the rows before it are whole", aside)


def _not_saved(error: OSError | ValueError) -> NotSaved:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return NotSaved(f"Not saved ({reason}): press the key again once that is mended")
