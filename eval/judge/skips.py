"""skips.csv: which pair who put off, when. No verdict: it keeps a reviewer's skipped pairs last through a restart."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from pydantic import ValidationError

from eval.errors import InputError
from eval.journal import Journal, read_stamped, whole_csv_rows
from eval.judge.cells import line
from eval.judge.refusals import not_saved
from eval.records import Kind, Row
from eval.run import Run
from eval.spreadsheet import restore


class Skip(Row):
    """One row of skips.csv, in the order of its columns."""

    run: str
    item: str
    reviewer: str
    kind: Kind
    skipped_at: str


COLUMNS = tuple(Skip.model_fields)


def skips_path(run: Run) -> Path:
    return run.folder / "skips.csv"


def read_skips(run: Run) -> list[Skip]:
    """The rows in the order of the file, but for a torn last one; a missing file holds none.

    Raises InputError with file and line.
    """
    path = skips_path(run)
    try:
        data = read_stamped(path)[0]
        text = data[: whole_csv_rows(data)].decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InputError("cannot be read: remove the file, no verdict is in it", path=path) from None
    reader = csv.reader(StringIO(text, newline="\n"))
    try:
        rows = [_parse(path, cells, reader.line_num) for cells in reader if cells and tuple(cells) != COLUMNS]
    except csv.Error as error:
        raise InputError(f"{error}: remove the row", path=path, line=reader.line_num) from None
    return [row for row in rows if row.run == run.name]


def append_skip(run: Run, skip: Skip) -> None:
    """Put one row on disk. Raises NotSaved."""
    try:
        cells = [str(cell) for cell in skip.model_dump().values()]
        Journal(skips_path(run), whole_csv_rows, lambda torn: False).append(line(cells), header=line(COLUMNS))
    except OSError as error:
        raise not_saved(error) from error


def _parse(path: Path, cells: list[str], number: int) -> Skip:
    try:
        return Skip.model_validate(dict(zip(COLUMNS, map(restore, cells), strict=True)))
    except (ValidationError, ValueError):
        raise InputError(f"is not {','.join(COLUMNS)}: remove the row", path=path, line=number) from None
