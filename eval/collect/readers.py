"""Records out of JSONL, JSON, CSV, TSV and Parquet files, each with the line it stands on.

Every problem is an InputError that names file and line.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import InputError
from train.pairs.lists import BrokenList, items

_HUGE = 2**30  # characters that one CSV cell may hold


@dataclass(frozen=True)
class Record:
    """One row of a file: `values` by column, `line` the physical line where it begins (Parquet: the row's number)."""

    path: Path
    line: int
    values: dict[str, Any]

    def error(self, problem: str) -> InputError:
        return InputError(problem, path=self.path, line=self.line)


def read_records(path: Path) -> list[Record]:
    """All records of `path`, by its suffix. Raises InputError for what cannot be read, and for a file without any."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"can't tell its format: name it {', '.join(_READERS)}", path=path)
    try:
        records = list(reader(path))
    except FileNotFoundError:
        raise InputError("there is no such file: check the path", path=path) from None
    except OSError as error:
        raise InputError(
            f"can't be read ({error.strerror or error}): check the path and its rights", path=path
        ) from None
    if not records:
        raise InputError("holds no records: give a file with at least one", path=path)
    return records


def _text(path: Path) -> str:
    """The file as UTF-8, without a byte order mark."""
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("is UTF-16: save it as UTF-8", path=path, line=1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8: save it as UTF-8", path=path, line=line) from None


def _jsonl(path: Path) -> Iterator[Record]:
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            yield _object(path, number, _parsed(path, number, line))


def _parsed(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(
            f"is not JSON ({error.msg}, column {error.colno}): mend or remove the line", path=path, line=number
        ) from None
    except RecursionError:
        raise InputError("is nested too deeply: mend or remove the line", path=path, line=number) from None


def _object(path: Path, line: int, value: Any) -> Record:
    if not isinstance(value, dict):
        raise InputError(f'must be an object like {{"prompt": …}}, not {_kind(value)}', path=path, line=line)
    return Record(path, line, value)


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _json(path: Path) -> Iterator[Record]:
    """A list of objects, each with its line; a .json that holds objects line by line is read as such."""
    text = _text(path)
    if not text.lstrip().startswith("["):
        yield from _jsonl(path)
        return
    try:
        for line, value in items(text):
            yield _object(path, line, value)
    except BrokenList as error:
        remedy = "is the file complete?" if "closed" in error.problem else "mend the file"
        raise InputError(f"{error.problem}: {remedy}", path=path, line=error.line) from None


def _csv(path: Path) -> Iterator[Record]:
    text = _text(path)
    csv.field_size_limit(_HUGE)
    header = text.split("\n", 1)[0]
    delimiter = max(",\t;", key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    before = 0
    try:
        columns = [name.strip() for name in next(rows, [])]
        _check_header(path, columns)
        before = rows.line_num
        for row in rows:
            if row:
                yield _cells(path, before + 1, columns, row)
            before = rows.line_num
    except csv.Error as error:
        raise InputError(f"is not CSV ({error}): mend the row", path=path, line=before + 1) from None


def _check_header(path: Path, columns: list[str]) -> None:
    twice = [name for name in columns if name and columns.count(name) > 1]
    if twice:
        raise InputError(f"the header names {twice[0]!r} twice: rename one column", path=path, line=1)


def _cells(path: Path, line: int, columns: list[str], row: list[str]) -> Record:
    if len(row) != len(columns):
        raise InputError(
            f"has {len(row)} cells where the header has {len(columns)}: mend the row (quote what holds a delimiter)",
            path=path,
            line=line,
        )
    return Record(path, line, dict(zip(columns, row, strict=True)))


def _parquet(path: Path) -> Iterator[Record]:
    try:
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError:
        raise InputError(
            "reading Parquet needs pyarrow: `pip install pyarrow`, or give JSONL or CSV", path=path
        ) from None
    path.stat()  # so that a missing file is told as for the other formats
    try:
        rows = pyarrow.parquet.read_table(path).to_pylist()
    except pyarrow.ArrowException as error:
        raise InputError(f"is not Parquet ({str(error).splitlines()[0]}): get the file again", path=path) from None
    yield from (Record(path, number, row) for number, row in enumerate(rows, start=1))


_READERS = {".parquet": _parquet, ".jsonl": _jsonl, ".json": _json, ".csv": _csv, ".tsv": _csv}
#: What can be read, best format first.
SUFFIXES: tuple[str, ...] = tuple(_READERS)
