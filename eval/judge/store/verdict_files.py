"""Reads verdicts.csv and thumbs.csv; what does not belong in them is named with file and line.

Nothing here writes; `eval.judge.store.ledger` does.
"""

from __future__ import annotations

import csv
import logging
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Generic, TypeVar

from eval.errors import InputError
from eval.journal import read_stamped, whole_csv_rows
from eval.judge.csv_codec import PLAIN, Columns, columns_of
from eval.judge.store.hash_chain import seal_of, sealed_lines
from eval.judge.store.row_checks import Checks
from eval.judge.study.study import read_frozen
from eval.records import IMPORTED, Judgement, Thumb, Verdict

_log = logging.getLogger(__name__)

R = TypeVar("R", bound=Judgement)


@dataclass(frozen=True)
class RowsFile(Generic[R]):
    """What a file holds. `columns` is None where it has no header yet, `lines` the physical line of each verdict_id.

    `torn`: the line on which an unfinished last record begins, which is none of the rows; None where all is whole.
    `data` are the bytes that it was read from.
    """

    rows: list[R]
    columns: Columns | None = None
    lines: dict[str, int] = field(default_factory=dict)
    torn: int | None = None
    data: bytes = field(default=b"", repr=False)

    @cached_property
    def sealed(self) -> array[int]:
        """Of each row in turn, first and last byte of its line, where that is as it was sealed; else 0 and 0."""
        return array("q", chain.from_iterable(sealed_lines(self.rows, self.data, self.lines.values())))

    def line(self, at: int) -> bytes:
        """The line of a row, where that is as it was sealed; else b""."""
        return self.data[self.sealed[2 * at] : self.sealed[2 * at + 1]]


def read_verdicts(path: Path, *, run: str | None = None) -> list[Verdict]:
    """The rows of a verdicts.csv in the order of the file; a missing or empty file holds none.

    An unfinished last row, which is torn or just being written, is left out and logged; every byte stays as it is.
    Raises InputError, naming the file and the physical line, for a row that is no verdict, that repeats a verdict_id,
    that belongs to another run (another than `run`, or than the first row), or that judges again what its reviewer
    judged before without replacing it.
    """
    return read_file(path, Verdict, run=run)[0]


def read_thumbs(path: Path, *, run: str | None = None) -> list[Thumb]:
    """The rows of a thumbs.csv, as `read_verdicts`."""
    return read_file(path, Thumb, run=run)[0]


def read_file(path: Path, row: type[R], *, run: str | None = None) -> tuple[list[R], Columns | None]:
    """The rows of a file as `read_verdicts` gives them, and its columns: None where it has no header yet."""
    file = read_rows(path, row, run=run)
    return file.rows, file.columns


def read_rows(path: Path, row: type[R], *, run: str | None = None) -> RowsFile[R]:
    """As `read_verdicts`, with all that is known of the file."""
    file = parse_rows(path, read_bytes(path), row, run=run)
    if file.torn is not None:
        _log.warning("%s:%d: the last row is not complete and left out; what is before it is intact", path, file.torn)
    return file


def read_bytes(path: Path) -> bytes:
    """A file's bytes, none for one that is not there. Raises InputError for one that cannot be read."""
    try:
        return read_stamped(path)[0]
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"cannot be read ({error.strerror}): fix that, nothing was changed", path=path)


def parse_rows(path: Path, data: bytes, row: type[R], *, run: str | None = None) -> RowsFile[R]:
    """What `data`, the bytes of the file `path`, hold. Raises InputError as `read_verdicts`."""
    whole = whole_csv_rows(data)
    lines = csv_lines(path, data[:whole])
    header = next(lines, None)
    if header is None:
        return _headless(path, data, row)
    columns = header_of(path, header[1], row)
    checks = Checks(path, row, columns, run, _values(path, row, columns))
    rows = [checks.admit(cells, line) for line, cells in lines]
    at = data.count(b"\n", 0, whole) + 1
    last = _unterminated(path, data[whole:], at, checks, rows[-1].seal if rows else "")
    torn = at if len(data) > whole and not last else None
    return RowsFile([*rows, *last], columns, checks.lines, torn, data)


def _headless(path: Path, data: bytes, row: type[R]) -> RowsFile[R]:
    """A file without one whole line: empty, or with a header that lacks its line end or more."""
    try:
        cells = next(csv.reader([data.decode("utf-8-sig")]), [])
    except (UnicodeDecodeError, csv.Error):
        cells = []
    columns = columns_of(cells, row)
    if data and columns is None and not _begins_header(data, row):
        raise _other_file(path, cells, row)
    return RowsFile([], columns, torn=1 if data and columns is None else None, data=data)


def _begins_header(data: bytes, row: type[Judgement]) -> bool:
    fixed = ",".join(row.FIRST).encode()
    return fixed.startswith(data) or data.startswith(fixed)


def _unterminated(path: Path, tail: bytes, at: int, checks: Checks[R], before: str) -> list[R]:
    """The row behind the last line end, where only its own line end is missing: its seal tells."""
    one = _one_row(path, tail, at, checks)
    if one is not None and one.seal in (IMPORTED, seal_of(one, before, checks.columns)):
        return [checks.place(one, at)]
    # What a torn append leaves is less than one row. Whole rows in it were swallowed by a quote that somebody typed.
    for number, line in enumerate(tail.splitlines()[1:], start=at + 1):
        if _one_row(path, line, number, checks) is not None:
            raise InputError("a quote opens here that nothing closes: remove it", path=path, line=at)
    return []


def _one_row(path: Path, data: bytes, line: int, checks: Checks[R]) -> R | None:
    try:
        records = list(csv_lines(path, data))
        return checks.parse(records[0][1], line) if len(records) == 1 else None
    except InputError:
        return None


def columns_in(path: Path, row: type[Judgement] = Verdict) -> Columns:
    """The columns of a file by its first line; PLAIN where there is no file. Raises InputError as `read_verdicts`."""
    try:
        with path.open("rb") as file:
            header = next(csv_lines(path, file.readline()), None)
    except FileNotFoundError:
        return PLAIN
    return header_of(path, header[1], row) if header else PLAIN


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


def csv_lines(path: Path, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """(physical line, cells) of each line that has cells, the header first. A BOM and CRLF are let pass."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        looks = " (it looks like a spreadsheet's UTF-16)" if b"\0" in data[:100] else ""
        raise InputError(f"is not UTF-8{looks}: save the file as CSV in UTF-8", path=path, line=line) from None
    reader = csv.reader(_lines(text), strict=True)
    start = 1
    try:
        for cells in reader:
            if any(cells) or start == 1:  # a spreadsheet leaves empty rows behind
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{error}: correct or remove the row", path=path, line=start) from None


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends, which are line feeds and nothing else."""
    start = 0
    while (end := text.find("\n", start) + 1) > 0:
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def header_of(path: Path, cells: list[str], row: type[Judgement]) -> Columns:
    """The columns that a first line names. Raises InputError for the line of another file."""
    columns = columns_of(cells, row)
    if columns is None:
        raise _other_file(path, cells, row)
    return columns


def _other_file(path: Path, cells: list[str], row: type[Judgement]) -> InputError:
    saved = _as_saved(cells, row)
    if saved:
        return InputError(f"{saved}, as a spreadsheet saves it: restore the file, or correct that", path=path, line=1)
    missing = [name for name in PLAIN.names(row) if name not in cells] or ["in another order, or twice"]
    problem = f"columns: {', '.join(missing)}: they must be {','.join(row.FIRST)}, the criteria, {','.join(row.LAST)}"
    return InputError(problem, path=path, line=1)


def _as_saved(cells: list[str], row: type[Judgement]) -> str:
    """What a spreadsheet did to the header, where that is what is wrong with it."""
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(cells) < len(row.FIRST) and sum(cell.count(mark) for cell in cells) >= len(row.FIRST):
            return f"has {name} between its cells"
    if cells and cells[0].lower().startswith("sep="):
        return "begins with a line `sep=`"
    last = len(cells) - cells[::-1].index(row.LAST[-1]) if row.LAST[-1] in cells else len(cells)
    extra = [repr(name) for name in cells[last:] if name]
    unnamed = len(cells) - last - len(extra)
    extra += [f"{unnamed} without a name"] if unnamed else []
    return f"has extra columns: {', '.join(extra)}" if extra else ""


def _values(path: Path, row: type[Judgement], columns: Columns) -> dict[str, tuple[str, ...]]:
    """What each criterion's cells may hold, where the study that the file was judged by lies beside it."""
    study = read_frozen(path.parent)
    return study.values if study.row is row and study.columns == columns else {}
