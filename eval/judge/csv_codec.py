"""Encodes a verdict as a CSV row and back: columns, quoting, cells safe for spreadsheets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eval.records import Judgement, Verdict
from eval.spreadsheet import neutralise, restore, storable

#: Longer cells could not be read again: 131,072 characters is the csv module's limit.
LONGEST = 100_000
#: Between two tags of one cell; no tag holds it.
BETWEEN_TAGS = ";"

_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.:+-]{0,98}[A-Za-z0-9])?").fullmatch
_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$')

RowType = type[Judgement]


@dataclass(frozen=True)
class Columns:
    """What a file has between its fixed columns: those of the criteria, and those of the tags."""

    criteria: tuple[str, ...] = ()
    tags: bool = False

    def names(self, row: RowType = Verdict) -> tuple[str, ...]:
        """All columns of a file of such rows, in order."""
        return (*row.FIRST, *self.criteria, *(row.TAGS if self.tags else ()), *row.LAST)

    def header(self, row: RowType = Verdict) -> bytes:
        """The first line of a file of such rows."""
        return line(self.names(row))


PLAIN = Columns()


def columns_of(header: Sequence[str], row: RowType = Verdict) -> Columns | None:
    """The columns that a file's first line names, or None where the fixed ones are not there in their order."""
    first, last = len(row.FIRST), len(header) - len(row.LAST)
    between = tuple(header[first:last])
    if tuple(header[:first]) != row.FIRST or last < first or tuple(header[last:]) != row.LAST:
        return None
    tags = between[-len(row.TAGS) :] == row.TAGS
    criteria = between[: len(between) - len(row.TAGS)] if tags else between
    columns = Columns(criteria, tags)
    names = columns.names(row)
    return columns if all(names) and len(set(names)) == len(names) else None


def encode_row(row: Judgement, columns: Columns = PLAIN, *, seal: bool = True) -> bytes:
    """One line of a file that has these columns; without `seal` its cell is empty.

    Raises ValueError for a cell of more than LONGEST characters, and for criteria or tags that have no column.
    """
    cells: dict[str, Any] = row.__dict__
    criteria = cells["criteria"]
    homeless = sorted(set(criteria) - set(columns.criteria)) if criteria else []
    homeless += [name for name in row.TAGS if cells[name] and not columns.tags]
    if homeless:
        raise ValueError(f"{', '.join(homeless)} has no column")
    written = []
    for name in _names(columns, type(row)):
        cell = criteria.get(name, "") if name in columns.criteria else cells[name]
        written.append(BETWEEN_TAGS.join(cell) if name in row.TAGS else str(cell))
    if not seal:
        written[-1] = ""
    return line(written)


@cache
def _names(columns: Columns, row: RowType) -> tuple[str, ...]:
    return columns.names(row)


def fields_of(cells: Sequence[str], columns: Columns, row: RowType = Verdict) -> dict[str, Any]:
    """The fields of a row, from the cells of a line as the csv module reads them: as many as there are columns."""
    as_given = [restore(cell) if cell[:1] == "'" else cell for cell in cells]
    fields: dict[str, Any] = dict(zip(_names(columns, row), as_given, strict=True))
    fields["criteria"] = {name: fields.pop(name) for name in columns.criteria}
    if columns.tags:
        fields |= {name: tuple(filter(None, fields[name].split(BETWEEN_TAGS))) for name in row.TAGS}
    return fields


def line(cells: Sequence[str]) -> bytes:
    # Most cells are empty, or such that nothing is changed in them: ids, times, numbers.
    return (",".join([c if not c or _PLAIN(c) else _safe(c) for c in cells]) + "\n").encode()


def _safe(cell: str) -> str:
    return _quoted(neutralise(storable(cell)))


def _quoted(cell: str) -> str:
    if len(cell) > LONGEST:
        raise ValueError(f"a cell of {len(cell):,} characters: the longest is {LONGEST:,}")
    return '"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell
