"""Reads records of prompts and answers with their line numbers; every problem is an InputError with file and line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from blindside.reading import BadFile
from blindside.tables.encoding import Note
from blindside.tables.reader import ignore, read_rows
from blindside.tables.rows import Excluded
from eval.errors import InputError

#: Columns of ids, which pandas makes floats of where one is missing.
ID = ("id", "prompt_id", "question_id", "custom_id")


@dataclass(frozen=True)
class Record:
    """One row of a file: `values` by column, `line` the physical line where it begins (Parquet: the row's number)."""

    path: Path
    line: int
    values: dict[str, Any]

    def error(self, problem: str) -> InputError:
        return InputError(problem, path=self.path, line=self.line)


def read_records(path: Path, note: Note = ignore) -> list[Record]:
    """All records of `path`, by its suffix; `note` gets sentences on how it was read.

    Raises InputError for what cannot be read, for a row that cannot, and for a file without any.
    """
    try:
        rows = list(read_rows(path, lambda text: note(f"{path} {text}")))
    except BadFile as error:
        raise InputError(error.problem, path=path, line=error.line) from None
    broken = next((row for row in rows if isinstance(row, Excluded)), None)
    if broken is not None:
        raise InputError(broken.detail, path=path, line=broken.line)
    if not rows:
        raise InputError("has no records: give a file with at least one", path=path)
    return _integral_ids([Record(path, row.line, row.values) for row in rows if not isinstance(row, Excluded)])


def _integral_ids(records: list[Record]) -> list[Record]:
    """Ids of a CSV that are all written like 81.0 are the integers that they were."""
    for name in _id_columns(records):
        texts = [text for record in records if (text := record.values.get(name)) not in (None, "")]
        if texts and all(isinstance(text, str) and re.fullmatch(r"\d+\.0", text.strip()) for text in texts):
            records = [
                replace(r, values={**r.values, name: str(r.values.get(name) or "").strip().removesuffix(".0")})
                for r in records
            ]
    return records


def _id_columns(records: Iterable[Record]) -> list[str]:
    return [name for name in dict.fromkeys(name for record in records for name in record.values) if name.lower() in ID]
