"""Records out of JSONL, JSON, CSV, TSV and Parquet files, each with the line it stands on.

Every problem is an InputError that names file and line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from blindside.reading import LONGEST, BadFile, CsvLines, lines, parse_json, whole
from eval.errors import InputError
from train.pairs.lists import BrokenList, items

UTF16 = (b"\xff\xfe", b"\xfe\xff")
#: Few at once: a dictionary of Parquet's makes a large cell of a few bytes.
PARQUET_ROWS = 64


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
    except BadFile as error:
        raise InputError(error.problem, path=path, line=error.line) from None
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
    with path.open("rb") as file:
        data = whole(file)
    if data.startswith(UTF16):
        raise InputError("is UTF-16: save it as UTF-8", path=path, line=1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8: save it as UTF-8", path=path, line=line) from None


def _jsonl(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for number, raw in lines(file):
            if number == 1 and raw.startswith(UTF16):
                raise InputError("is UTF-16: save it as UTF-8", path=path, line=1)
            line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if line.strip():
                yield _object(path, number, _parsed(path, number, line))


def _parsed(path: Path, number: int, line: bytes) -> Any:
    try:
        return parse_json(line)
    except UnicodeDecodeError:
        raise InputError("is not UTF-8: save it as UTF-8", path=path, line=number) from None
    except ValueError as error:
        raise InputError(f"is not JSON ({error}): mend or remove the line", path=path, line=number) from None


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
    csv.field_size_limit(LONGEST)
    with path.open("rb") as file:
        delimiter = _delimiter(path, file)
        text = CsvLines(file)
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        before = 0
        try:
            columns = [name.strip() for name in next(rows, [])]
            _check_header(path, columns)
            before = rows.line_num
            for row in rows:
                text.began()
                if row:
                    yield _cells(path, before + 1, columns, row)
                before = rows.line_num
        except csv.Error as error:
            raise InputError(f"is not CSV ({error}): mend the row", path=path, line=before + 1) from None
        except UnicodeDecodeError:
            line = text.number
            raise InputError("is not UTF-8: save it as UTF-8", path=path, line=line) from None


def _delimiter(path: Path, file: IO[bytes]) -> str:
    """The one that the first line has most of; the file is at its beginning again."""
    header = file.readline(LONGEST)
    if header.startswith(UTF16):
        raise InputError("is UTF-16: save it as UTF-8", path=path, line=1)
    file.seek(0)
    return max(",\t;", key=lambda mark: header.count(mark.encode()))


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
    number = 0
    try:
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(batch_size=PARQUET_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield Record(path, number, row)
    except pyarrow.ArrowException as error:
        raise InputError(f"is not Parquet ({str(error).splitlines()[0]}): get the file again", path=path) from None


_READERS = {".parquet": _parquet, ".jsonl": _jsonl, ".json": _json, ".csv": _csv, ".tsv": _csv}
#: What can be read, best format first.
SUFFIXES: tuple[str, ...] = tuple(_READERS)
