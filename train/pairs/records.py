"""Rows out of JSONL, JSON, CSV, TSV and Parquet, also gzipped, one after the other and never all at once.

A row that is broken is an Excluded with its line; what makes a whole file unreadable is a PairsError.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from blindside.reading import LONGEST, BadFile, CsvLines, lines, opened, parse_json, whole
from train.errors import PairsError
from train.pairs.lists import BrokenList, items
from train.pairs.pair import Excluded, Record

Rows = Iterator[Record | Excluded]
NOT_JSON = "not a JSON object"
#: A cell of a CSV is taken as JSON where it lists objects that have one of these.
_LISTED = ({"role", "content"}, {"from", "value"}, {"answer", "rank"}, {"response"})


def read_records(path: Path) -> Rows:
    """The rows of a file by its suffix, `.gz` behind it or not. Raises PairsError."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    gzipped = suffixes[-1:] == [".gz"]
    kind = (suffixes[-2:-1] if gzipped else suffixes[-1:]) or [""]
    reader = _READERS.get(kind[0])
    if reader is None or (gzipped and kind[0] == ".parquet"):
        raise PairsError(f"can't tell its format; name it {', '.join(_READERS)} (.gz behind it or not)", path=path)
    try:
        with opened(path) as file:
            yield from reader(path, file)
    except BadFile as error:
        raise PairsError(error.problem, path=path, line=error.line) from None
    except FileNotFoundError:
        raise PairsError("there is no such file; check the path", path=path) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise PairsError(f"is no whole gzip file ({error}); get it again", path=path) from None
    except OSError as error:
        raise PairsError(f"can't be read ({error.strerror or error}); check path and rights", path=path) from None


def _jsonl(path: Path, file: IO[bytes]) -> Rows:
    for number, raw in lines(file):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if number == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise PairsError("is UTF-16; save it as UTF-8", path=path, line=1)
        if line.strip():
            yield _row(path, number, line)


def _row(path: Path, number: int, line: bytes | str) -> Record | Excluded:
    try:
        value = parse_json(line)
    except UnicodeDecodeError:
        return Excluded(str(path), number, "not UTF-8", "is not UTF-8; save the file as UTF-8")
    except ValueError as error:
        return Excluded(str(path), number, NOT_JSON, f"is not JSON ({error}); mend or delete the line")
    return _object(path, number, value)


def _object(path: Path, number: int, value: Any) -> Record | Excluded:
    if not isinstance(value, dict):
        return Excluded(str(path), number, NOT_JSON, f"is not a JSON object but {type(value).__name__}")
    return Record(str(path), number, value)


def _json(path: Path, file: IO[bytes]) -> Rows:
    """A list of objects, the one format that is read at once; or objects line by line under this suffix."""
    data = whole(file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PairsError(
            "is not UTF-8; save it as UTF-8", path=path, line=data.count(b"\n", 0, error.start) + 1
        ) from None
    if not text.lstrip().startswith("["):
        yield from _jsonl(path, io.BytesIO(data))
        return
    yield from _listed(path, text)


def _listed(path: Path, text: str) -> Rows:
    try:
        for line, value in items(text):
            yield _object(path, line, value)
    except BrokenList as error:
        raise PairsError(f"{error.problem}; mend the list there", path=path, line=error.line) from None


def _csv(path: Path, file: IO[bytes]) -> Rows:
    csv.field_size_limit(LONGEST)
    text = CsvLines(file)
    before = 0
    try:
        header = next(text, "")
        delimiter = max(",\t;", key=header.count)
        columns = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
        if len(set(columns)) < len(columns):
            raise PairsError("the header names a column twice; rename one", path=path, line=1)
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        before = 1
        for row in rows:
            text.began()
            if row:
                yield _cells(path, before + 1, columns, row)
            before = rows.line_num + 1
    except csv.Error as error:
        raise PairsError(f"is not CSV ({error}); mend the row", path=path, line=before + 1) from None
    except UnicodeDecodeError:
        raise PairsError("is not UTF-8; save it as UTF-8", path=path) from None


def _cells(path: Path, line: int, columns: list[str], row: list[str]) -> Record | Excluded:
    if len(row) != len(columns):
        detail = f"has {len(row)} cells where the header has {len(columns)}; quote what holds a delimiter"
        return Excluded(str(path), line, "wrong number of cells", detail)
    return Record(str(path), line, {name: _cell(text) for name, text in zip(columns, row, strict=True)})


def _cell(text: str) -> Any:
    """A text, or the conversation that a cell holds as JSON."""
    if not text.startswith(("[{", '{"')):
        return text
    try:
        value = parse_json(text)
    except ValueError:
        return text
    items = value if isinstance(value, list) else [value]
    known = all(isinstance(item, dict) and any(names <= item.keys() for names in _LISTED) for item in items)
    return value if known else text


def _parquet(path: Path, file: IO[bytes]) -> Rows:
    try:
        import pyarrow  # type: ignore[import-untyped]
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError:
        raise PairsError("reading Parquet needs pyarrow: `pip install pyarrow`, or give JSONL", path=path) from None
    try:
        number = 0
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=64):
            for values in batch.to_pylist():
                number += 1
                yield Record(str(path), number, values)
    except pyarrow.ArrowException as error:
        raise PairsError(f"is not Parquet ({str(error).splitlines()[0]}); get the file again", path=path) from None


_READERS: dict[str, Callable[[Path, IO[bytes]], Rows]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
}
