"""A row of a file, an excluded row, and the values of a row."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Message = dict[str, str]
MALFORMED = "malformed"


@dataclass(frozen=True)
class Record:
    """One row of a file. `line` is the physical line where it begins (Parquet: the row's number), from 1."""

    path: str
    line: int
    values: dict[str, Any]
    #: Columns whose texts were lists, and are read as such.
    parsed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Excluded:
    """A row that is not used. `reason` is the kind, for counting; `detail` is reported to a person."""

    path: str
    line: int
    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.detail}"


class Unusable(Exception):
    """Raised while a row is read, and turned into an Excluded by whoever knows file and line."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class TrackedRow(Mapping[str, Any]):
    """A row's values, which remember the columns that were looked at."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self._read.add(name)
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def leave(self, name: str) -> None:
        """Count a column that was looked at as not read after all."""
        self._read.discard(name)

    def unread(self) -> tuple[str, ...]:
        """Names of columns that hold something and that nobody looked at."""
        return tuple(str(name) for name, value in self._values.items() if name not in self._read and filled(value))


def filled(value: Any) -> bool:
    """Whether a cell holds anything: no null, no NaN, no blank text, no empty list or object."""
    if isinstance(value, float):
        return not math.isnan(value)
    return value is not None and (bool(value.strip()) if isinstance(value, str) else value not in ([], {}))


def first_filled(values: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The first of `names` under which there is something."""
    return next((name for name in names if name in values and filled(values[name])), None)


def identity(value: Any) -> str:
    """An id as text: an integral float is that integer, nothing is an empty text."""
    if not filled(value):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def number(value: Any) -> float | None:
    """A finite number, of a text also with a decimal comma; None for anything else. A truth value is not a number."""
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?\s*", value):
        value = float(value.replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def unread_sentence(columns: Mapping[str, int]) -> str:
    """Which columns were not read, and in how many rows each holds something."""
    named = ", ".join(f"{name} ({count})" for name, count in sorted(columns.items()))
    return f"columns that are not read, with their numbers of rows: {named}"
