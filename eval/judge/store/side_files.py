"""skips.csv and flags.csv: small append-only files beside verdicts.csv."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from eval.errors import InputError
from eval.journal import Journal, read_stamped, whole_csv_rows
from eval.judge.csv_codec import line
from eval.judge.store.store_errors import not_saved
from eval.records import Kind, Row
from eval.run import Run
from eval.spreadsheet import restore

R = TypeVar("R", bound=Row)


def read_rows(path: Path, row: type[R]) -> list[R]:
    """The rows in the order of the file, but for a torn last one; a missing file holds none.

    Raises InputError with file and line.
    """
    try:
        data = read_stamped(path)[0]
        text = data[: whole_csv_rows(data)].decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InputError("cannot be read: remove the file, no verdict is in it", path=path) from None
    columns = tuple(row.model_fields)
    reader = csv.reader(StringIO(text, newline="\n"))
    try:
        return [_parse(path, row, cells, reader.line_num) for cells in reader if cells and tuple(cells) != columns]
    except csv.Error as error:
        raise InputError(f"{error}: remove the row", path=path, line=reader.line_num) from None


def append_row(path: Path, row: Row) -> None:
    """Put one row on disk. Raises NotSaved."""
    try:
        cells = [str(cell) for cell in row.model_dump().values()]
        header = line(tuple(type(row).model_fields))
        Journal(path, whole_csv_rows, lambda torn: False).append(line(cells), header=header)
    except OSError as error:
        raise not_saved(error) from error


def _parse(path: Path, row: type[R], cells: list[str], number: int) -> R:
    columns = tuple(row.model_fields)
    try:
        return row.model_validate(dict(zip(columns, map(restore, cells), strict=True)))
    except (ValidationError, ValueError):
        raise InputError(f"is not {','.join(columns)}: remove the row", path=path, line=number) from None


class Skip(Row):
    """One row of skips.csv, in the order of its columns."""

    run: str
    item: str
    reviewer: str
    kind: Kind
    skipped_at: str


def skips_path(run: Run) -> Path:
    return run.folder / "skips.csv"


def read_skips(run: Run) -> list[Skip]:
    """The run's rows in the order of the file. Raises InputError with file and line."""
    return [row for row in read_rows(skips_path(run), Skip) if row.run == run.name]


def append_skip(run: Run, skip: Skip) -> None:
    """Put one row on disk. Raises NotSaved."""
    append_row(skips_path(run), skip)


class Flag(Row):
    """One row of flags.csv, in the order of its columns; the last one on a pair counts."""

    run: str
    item: str
    reviewer: str
    kind: Kind
    flag: Literal["on", "off"]
    flagged_at: str


def flags_path(run: Run) -> Path:
    return run.folder / "flags.csv"


def read_flags(run: Run) -> list[Flag]:
    """The run's rows in the order of the file. Raises InputError with file and line."""
    return [row for row in read_rows(flags_path(run), Flag) if row.run == run.name]


def append_flag(run: Run, flag: Flag) -> None:
    """Put one row on disk. Raises NotSaved."""
    append_row(flags_path(run), flag)
