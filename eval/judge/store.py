"""verdicts.csv, thumbs.csv: one row a judgement, appended, on disk before the page moves on. Nothing is changed."""

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
from typing import Generic, TypeVar

from pydantic import ValidationError

from eval.errors import InputError, NotSaved
from eval.journal import Journal, whole_csv_rows
from eval.judge.cells import PLAIN, Columns, columns_of, encode_row, fields_of
from eval.judge.seals import seal_of
from eval.judge.study import read_frozen
from eval.records import Judgement, Thumb, Verdict

_log = logging.getLogger(__name__)

R = TypeVar("R", bound=Judgement)


def read_verdicts(path: Path, *, run: str | None = None) -> list[Verdict]:
    """The rows of a verdicts.csv in the order of the file; a missing or empty file holds none.

    A torn last row is set aside first and logged. Raises InputError, naming the file and the physical line, for a row
    that is no verdict, that repeats a verdict_id, that belongs to another run (another than `run`, or than the first
    row), or that judges again what its reviewer judged before without replacing it.
    """
    return read_file(path, Verdict, run=run)[0]


def read_thumbs(path: Path, *, run: str | None = None) -> list[Thumb]:
    """The rows of a thumbs.csv, as `read_verdicts`."""
    return read_file(path, Thumb, run=run)[0]


def read_file(path: Path, row: type[R], *, run: str | None = None) -> tuple[list[R], Columns | None]:
    """The rows of a file as `read_verdicts` gives them, and its columns: None where it has no header yet."""
    try:
        data = _whole_rows(path)
    except FileNotFoundError:
        return [], None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): mend that, nothing was changed", path=path) from None
    lines = _lines(path, data)
    header = next(lines, None)
    if header is None:
        return [], None
    columns = _columns(path, header[1], row)
    checks = _Checks(path, row, columns, run, _values(path, row, columns))
    return [checks.admit(cells, line) for line, cells in lines], columns


def columns_in(path: Path, row: type[Judgement] = Verdict) -> Columns:
    """The columns of a file by its first line; PLAIN where there is no file. Raises InputError as `read_verdicts`."""
    try:
        with path.open("rb") as file:
            header = next(_lines(path, file.readline()), None)
    except FileNotFoundError:
        return PLAIN
    return _columns(path, header[1], row) if header else PLAIN


def has_rows(path: Path) -> bool:
    """Whether a file has anything below its header."""
    try:
        with path.open("rb") as file:
            return bool(file.readline()) and bool(file.readline().strip())
    except FileNotFoundError:
        return False


def in_force(rows: Iterable[R]) -> list[R]:
    """The judgements that count: not replaced by another row, not withdrawn. At most one an (item, reviewer, kind)."""
    rows = list(rows)
    replaced = {row.replaces for row in rows if row.replaces}
    return [row for row in rows if row.outcome != "withdrawn" and row.verdict_id not in replaced]


class Store(Generic[R]):
    """The rows of one file of one run, for many threads and processes at once.

    `rows` is what the file holds; it is up to date inside `turn()`. `generation` changes when `rows` was read anew
    rather than appended to. Raises InputError at once where the file cannot be read, or has other columns.
    """

    def __init__(self, path: Path, row: type[R], run: str, columns: Columns) -> None:
        self.rows: list[R] = []
        self.generation = 0
        self._path = path
        self._row = row
        self._run = run
        self._columns = columns
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

    def append(self, row: R) -> None:
        """Put one row on disk; when this returns it is there. Raises NotSaved, and then the file is as before."""
        with self.turn():
            try:
                row = self._sealed(row)
                _report(self._journal.append(encode_row(row, self._columns), header=self._columns.header(self._row)))
            except (OSError, ValueError) as error:
                raise _not_saved(error) from error
            self.rows.append(row)
            self._stamp = self._stamp_now()

    def _sealed(self, row: R) -> R:
        before = self.rows[-1].seal if self.rows else ""
        return row.model_copy(update={"seal": seal_of(row, before, self._columns)})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The lock between processes; entered once a thread, however often `turn` is nested."""
        if self._depth:
            yield
            return
        try:
            fd = os.open(self._path.with_name(f".{self._path.stem}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
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
            rows, columns = read_file(self._path, self._row, run=self._run)
            if columns is not None and columns != self._columns:
                raise _other_columns(self._path, columns, self._columns)
            self.rows = rows
            self.generation += 1
            self._stamp = self._stamp_now()

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_ino, stat.st_size, stat.st_mtime_ns


class _Checks(Generic[R]):
    """What each row must be, given the rows before it."""

    def __init__(
        self, path: Path, row: type[R], columns: Columns, run: str | None, values: dict[str, tuple[str, ...]]
    ) -> None:
        self._path = path
        self._row = row
        self._columns = columns
        self._width = len(columns.names(row))
        self._run = run
        self._values = values
        self._lines: dict[str, int] = {}
        self._standing: dict[tuple[str, str, str], R] = {}

    def admit(self, cells: list[str], line: int) -> R:
        row = self._parse(cells, line)
        self._run = self._run or row.run
        if row.run != self._run:
            raise self._error(f"run: {row.run!r} is not {self._run!r}: move the row to its own run's file", line)
        if row.verdict_id in self._lines:
            first = self._lines[row.verdict_id]
            raise self._error(f"verdict_id: {row.verdict_id} is on line {first} too: remove one of the two rows", line)
        self._lines[row.verdict_id] = line
        self._know_values(row, line)
        self._count_once(row, line)
        return row

    def _know_values(self, row: R, line: int) -> None:
        for column, allowed in self._values.items():
            cell = row.criteria[column]
            if cell and cell not in allowed:
                raise self._error(f"{column}: {cell!r} is not one of {', '.join(allowed)}: mend the cell", line)

    def _count_once(self, row: R, line: int) -> None:
        before = self._standing.get(row.slot)
        if before is not None and row.replaces != before.verdict_id:
            first = self._lines[before.verdict_id]
            raise self._error(
                f"replaces: {row.reviewer!r} judged item {row.item!r} on line {first} already: "
                f"remove one of the two rows, or put {before.verdict_id} here",
                line,
            )
        self._standing[row.slot] = row

    def _parse(self, cells: list[str], line: int) -> R:
        if len(cells) != self._width:
            raise self._error(f"{len(cells)} cells instead of {self._width}: mend or remove the row", line)
        try:
            return self._row.model_validate(fields_of(cells, self._columns, self._row))
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


def _lines(path: Path, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """(physical line, cells) of each line that has cells, the header first. A BOM and CRLF are let pass."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8: save the file as UTF-8", path=path, line=line) from None
    reader = csv.reader(StringIO(text, newline="\n"), strict=True)
    start = 1
    try:
        for cells in reader:
            if cells or start == 1:
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{error}: mend or remove the row", path=path, line=start) from None


def _columns(path: Path, cells: list[str], row: type[Judgement]) -> Columns:
    columns = columns_of(cells, row)
    if columns is None:
        missing = [name for name in PLAIN.names(row) if name not in cells] or ["in another order, or twice"]
        problem = (
            f"columns: {', '.join(missing)}: they must be {','.join(row.FIRST)}, the criteria, {','.join(row.LAST)}"
        )
        raise InputError(problem, path=path, line=1)
    return columns


def _values(path: Path, row: type[Judgement], columns: Columns) -> dict[str, tuple[str, ...]]:
    """What each criterion's cells may hold, where the study that the file was judged by lies beside it."""
    study = read_frozen(path.parent)
    return study.values if study.row is row and study.columns == columns else {}


def _other_columns(path: Path, there: Columns, wanted: Columns) -> InputError:
    def said(columns: Columns) -> str:
        return ", ".join([*columns.criteria, *(["tags"] if columns.tags else [])]) or "none"

    return InputError(
        f"columns of the study: {said(there)} in the file, {said(wanted)} in the study: "
        "go on with the study that the rows were judged by, or judge a run of another name",
        path=path,
        line=1,
    )


def _report(aside: Path | None) -> None:
    if aside is not None:
        _log.warning("a torn last row of verdicts.csv was set aside in %s; the rows before it are whole", aside)


def _not_saved(error: OSError | ValueError) -> NotSaved:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return NotSaved(f"Not saved ({reason}): press the key again once that is mended")
