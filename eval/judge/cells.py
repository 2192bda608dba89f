"""How a verdict becomes a row of CSV and comes back the same: columns, quotes, cells that a spreadsheet would run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eval.records import Judgement, Verdict
from eval.spreadsheet import neutralise, restore, storable

#: Longer cells could not be read again: 131,072 characters is the csv module's limit.
LONGEST = 100_000
#: Between two tags of one cell; no tag holds it.
BETWEEN_TAGS = ";"

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


def encode_row(row: Judgement, columns: Columns = PLAIN) -> bytes:
    """One line of a file that has these columns.

    Raises ValueError for a cell of more than LONGEST characters, and for criteria or tags that have no column.
    """
    cells = row.model_dump()
    criteria = cells.pop("criteria")
    for name in row.TAGS:
        cells[name] = BETWEEN_TAGS.join(cells[name])
        if cells[name] and not columns.tags:
            raise ValueError(f"{name} has no column")
    homeless = sorted(set(criteria) - set(columns.criteria))
    if homeless:
        raise ValueError(f"{', '.join(homeless)} has no column")
    cells |= {name: criteria.get(name, "") for name in columns.criteria}
    return line([str(cells[name]) for name in columns.names(type(row))])


def fields_of(cells: Sequence[str], columns: Columns, row: RowType = Verdict) -> dict[str, Any]:
    """The fields of a row, from the cells of a line as the csv module reads them: as many as there are columns."""
    fields: dict[str, Any] = dict(zip(columns.names(row), map(restore, cells), strict=True))
    fields["criteria"] = {name: fields.pop(name) for name in columns.criteria}
    for name in row.TAGS:
        fields[name] = tuple(filter(None, fields.get(name, "").split(BETWEEN_TAGS)))
    return fields


def line(cells: Sequence[str]) -> bytes:
    return (",".join(_quoted(neutralise(storable(cell))) for cell in cells) + "\n").encode()


def _quoted(cell: str) -> str:
    if len(cell) > LONGEST:
        raise ValueError(f"a cell of {len(cell):,} characters: the longest is {LONGEST:,}")
    return '"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell
