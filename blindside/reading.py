"""Reads files that people hand in, with limits on a line, an item, the whole, and decompressed size.

A few hundred kilobytes of gzip unpack to gigabytes, and a file without a line end is one line, however long.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

MEGABYTE = 2**20
LONGEST = 8 * MEGABYTE  # bytes of a line, or characters of an item of a list: one record
WHOLE = 128 * MEGABYTE  # bytes of what must be read at once
DEEPEST = 100  # lists and objects within each other
#: Text compresses to a fifth or a tenth; a larger ratio than this is a decompression bomb.
_RATIO, _FREE = 200, 64 * MEGABYTE


class BadFile(Exception):
    """What cannot be read, with its remedy. `line` counts from 1; None where it is about the whole file."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


@contextmanager
def open_input(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked where its name ends in .gz. Raises OSError, and BadFile while a bomb is read."""
    with path.open("rb") as raw:
        if path.suffix.lower() != ".gz":
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as packed, io.BufferedReader(_Unpacking(packed, raw)) as file:
            yield file


def read_lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Every line with its number, its end left on. Raises BadFile at one that is too long, which is not read whole."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise BadFile(f"is longer than {LONGEST // MEGABYTE} MB: write one record per line", number)
        yield number, line


def read_whole(file: IO[bytes]) -> bytes:
    """All that is left of a file. Raises BadFile where it is too large to be read at once."""
    data = file.read(WHOLE + 1)
    if len(data) > WHOLE:
        raise BadFile(f"is larger than {WHOLE // MEGABYTE} MB: use JSONL, which is read line by line")
    return data


class CsvLines:
    """The lines of a CSV file as text, for csv.reader; a row is at most LONGEST bytes, over however many lines.

    Call `began` after each row.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._lines = read_lines(file)
        self._of_row = 0
        #: Number of the line that was read last.
        self.number = 0

    def __iter__(self) -> CsvLines:
        return self

    def __next__(self) -> str:
        self.number, line = next(self._lines)
        self._of_row += len(line)
        if self._of_row > LONGEST:
            raise BadFile(f"a row is longer than {LONGEST // MEGABYTE} MB: is a quote not closed?", self.number)
        return line.decode("utf-8-sig" if self.number == 1 else "utf-8")

    def began(self) -> None:
        self._of_row = 0


def parse_json(text: str | bytes) -> Any:
    """A JSON value, null for NaN and infinity.

    Raises ValueError, in words for a sentence, for what is none, too deep, or a number too long.

    Bytes that are not UTF-8 are a UnicodeDecodeError, which is a ValueError too.
    """
    # Decoded here: given bytes, json would guess at UTF-16 too.
    written = text.decode("utf-8") if isinstance(text, bytes) else text
    try:
        value = json.loads(written.rstrip(), parse_constant=no_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg}, column {error.colno}") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except ValueError:
        raise ValueError("a number has thousands of digits") from None
    if too_deep(value):
        raise ValueError(_TOO_DEEP)
    return value


def no_number(constant: str) -> None:
    """What NaN and Infinity are, which Python and pandas write and JSON does not know: nothing."""


_TOO_DEEP = "nested too deeply"


def too_deep(value: Any) -> bool:
    """Whether lists and objects lie in each other so deep that what reads them later would overflow the stack."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inner(one)]
        if not level:
            return False
    return True


def _inner(value: dict[str, Any] | list[Any]) -> Iterator[Any]:
    inner = value.values() if isinstance(value, dict) else value
    return (one for one in inner if isinstance(one, dict | list))


class _Unpacking(io.RawIOBase):
    """What a gzip file unpacks to, as long as that is in proportion to what was read of it."""

    def __init__(self, packed: gzip.GzipFile, raw: IO[bytes]) -> None:
        self._packed = packed
        self._raw = raw
        self._total = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._packed.readinto(buffer)
        self._total += count
        if self._total > _FREE and self._total > _RATIO * self._raw.tell():
            raise BadFile(f"unpacks to more than {_RATIO} times its size: unpack it yourself if that is intended")
        return count
