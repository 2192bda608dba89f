"""CSV files that are rewritten as a whole: a header, one row per record, cells safe for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from eval.errors import InputError
from eval.journal import write_atomically
from eval.records import Row
from eval.spreadsheet import neutralise, restore, storable

R = TypeVar("R", bound=Row)


def read_table(path: Path, kind: type[R]) -> list[R]:
    """The rows of a file; none where it is not there. Raises InputError naming file, line and column."""
    if not path.is_file():
        return []
    rows: list[R] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        for cells in reader:
            try:
                rows.append(kind.model_validate({name: restore(cell or "") for name, cell in cells.items()}))
            except ValidationError as error:
                first = error.errors()[0]
                where = first["loc"][0] if first["loc"] else "row"
                raise InputError(f"{where}: {first['msg']}: fix it", path=path, line=reader.line_num) from None
    return rows


def write_table(path: Path, kind: type[R], rows: Sequence[R]) -> None:
    """Write the file again, in one step."""
    buffer = StringIO()
    writer = csv.DictWriter(buffer, tuple(kind.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: neutralise(storable(str(cell))) for name, cell in row.model_dump().items()} for row in rows)
    write_atomically(path, buffer.getvalue().encode())
