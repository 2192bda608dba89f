"""CSV and TSV as spreadsheets of all countries save them: delimiter, header, rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import IO

from blindside.reading import LONGEST, BadFile, CsvLines
from blindside.tables.list_cells import record_of
from blindside.tables.rows import Excluded, Record, filled
from blindside.words import counted

WIDTH = "wrong number of cells"
_DELIMITERS = ",\t;|"
_DECLARED = re.compile(r"\"?sep=(.)\"?[,;\t]*\s*", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def csv_rows(path: str, file: IO[bytes]) -> Iterator[Record | Excluded]:
    """The rows under the header; empty rows and empty columns at the end are none. Raises BadFile."""
    csv.field_size_limit(LONGEST)
    text = CsvLines(file)
    before = 0
    try:
        head = _record(text)
        declared = _DECLARED.fullmatch("".join(head))
        skipped, head = (len(head), _record(text)) if declared else (0, head)
        delimiter = (
            declared[1] if declared else delimiter_of("".join(head), tabs=path.lower().endswith((".tsv", ".tab")))
        )
        rows = csv.reader(chain(head, text), delimiter=delimiter, strict=True)
        before = skipped
        columns = _columns(next((cells for cells in rows if any(map(str.strip, cells))), []))
        before = rows.line_num + skipped
        for cells in rows:
            text.began()
            if any(map(str.strip, cells)):
                yield _row(path, before + 1, columns, cells)
            before = rows.line_num + skipped
    except csv.Error as error:
        raise BadFile(f"is not CSV ({error}): correct the row (a quote within a cell is doubled)", before + 1) from None


def delimiter_of(header: str, *, tabs: bool = False) -> str:
    """The one that stands most often outside of quotes; a tab where the file is named for it and there is one."""
    plain = _QUOTED.sub("", header)
    return "\t" if tabs and "\t" in plain else max(_DELIMITERS, key=plain.count)


def _record(text: CsvLines) -> list[str]:
    """The physical lines of the next record: a quote may be open at the end of one."""
    lines: list[str] = []
    quotes = 0
    for line in text:
        lines.append(line)
        quotes += line.count('"')
        if line.strip() and quotes % 2 == 0:
            break
    text.began()
    return lines


def _columns(header: Sequence[str]) -> list[str]:
    names = [" ".join(name.split()) if "\n" not in name else name.strip() for name in header]
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise BadFile(f"the header names {twice[0]!r} twice: rename one column", 1)
    return [name or f"column {number}" for number, name in enumerate(names, start=1)]


def _row(path: str, line: int, columns: Sequence[str], cells: Sequence[str]) -> Record | Excluded:
    while len(cells) > len(columns) and not cells[-1].strip():
        cells = cells[:-1]
    named = len(columns)
    while named > len(cells) and columns[named - 1] == f"column {named}":
        named -= 1
    if len(cells) != named:
        remedy = "quote cells that contain a delimiter"
        detail = f"has {counted(len(cells), 'cell')} where the header has {len(columns)}: {remedy}"
        return Excluded(path, line, WIDTH, detail)
    given = {
        name: text
        for number, (name, text) in enumerate(zip(columns, cells, strict=False), start=1)
        if filled(text) or name != f"column {number}"
    }
    return record_of(path, line, given)
