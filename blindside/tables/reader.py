"""Reads a file's rows one at a time, by its suffix, with notes on what was unusual.

A row that is broken is an Excluded with its line; what makes a whole file unreadable is a BadFile.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from blindside.reading import BadFile, open_input, read_lines
from blindside.tables.csv_rows import csv_rows
from blindside.tables.encoding import Note, as_utf8
from blindside.tables.json_rows import json_file, json_lines, object_row
from blindside.tables.rows import Excluded, Record

Rows = Iterator[Record | Excluded]
#: Few at once: a dictionary of Parquet's makes a large cell of a few bytes.
_PARQUET_ROWS = 64
_WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")


def ignore(note: str) -> None:
    """For callers whom notes do not concern."""


def read_rows(path: Path, note: Note = ignore) -> Rows:
    """The rows of a file by its suffix, `.gz` behind it or not. `note` gets sentences on how it was read.

    Raises BadFile for what is no such file, is not there, or cannot be read.
    """
    kind, gzipped = kind_of(path.name)
    if kind in _WORKBOOKS:
        raise BadFile("is a workbook, which is not read: save the sheet as CSV (UTF-8)")
    if kind not in SUFFIXES or (gzipped and kind == ".parquet"):
        raise BadFile(f"unknown format: name it {', '.join(SUFFIXES)} (.gz may follow)")
    try:
        with open_input(path) as file:
            if kind == ".parquet":
                yield from _parquet(str(path), file)
            else:
                spreadsheet = kind in (".csv", ".tsv", ".txt")
                yield from _TEXTS[kind](str(path), as_utf8(file, note, spreadsheet=spreadsheet))
    except FileNotFoundError:
        raise BadFile("there is no such file: check the path") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadFile(f"is not a complete gzip file ({error}): copy it again") from None
    except OSError as error:
        raise BadFile(f"can't be read ({error.strerror or error}): check the path and its permissions") from None


def kind_of(name: str) -> tuple[str, bool]:
    """The suffix that tells the format, and whether the file is gzipped."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    gzipped = suffixes[-1:] == [".gz"]
    return ((suffixes[-2:-1] if gzipped else suffixes[-1:]) or [""])[0], gzipped


def _text(path: str, file: IO[bytes]) -> Rows:
    """A prompt a line."""
    for number, line in read_lines(file):
        if line.strip():
            yield object_row(path, number, {"text": line.decode().strip()})


def _parquet(path: str, file: IO[bytes]) -> Rows:
    try:
        import pyarrow  # type: ignore[import-untyped]
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError:
        raise BadFile("reading Parquet needs pyarrow: `pip install pyarrow`, or give JSONL or CSV") from None
    number = 0
    try:
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=_PARQUET_ROWS):
            for values in batch.to_pylist():
                number += 1
                yield object_row(path, number, _without_nan(values))
    except pyarrow.ArrowException as error:
        raise BadFile(f"is not Parquet ({str(error).splitlines()[0]}): get the file again") from None


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and value != value else value


_TEXTS: dict[str, Callable[[str, IO[bytes]], Rows]] = {
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".json": json_file,
    ".csv": csv_rows,
    ".tsv": csv_rows,
    ".txt": _text,
}
#: What can be read, best format first.
SUFFIXES: tuple[str, ...] = (".parquet", *_TEXTS)
