"""What preference data is here, whatever file it came from: a Record that was read, a Pair made of it, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from train.pairs.read import Message


@dataclass(frozen=True)
class Record:
    """One row of a file. `line` is the physical line where it begins (Parquet: the row's number), from 1."""

    path: str
    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """A conversation that ends with the user's turn, and two answers to it, exactly as they were read."""

    path: str
    line: int
    messages: tuple[Message, ...]
    chosen: str
    rejected: str
    id: str = ""
    #: Where the pair comes from (run, verdicts, votes), carried along as it is.
    source: dict[str, Any] | None = None


@dataclass(frozen=True)
class Excluded:
    """A row that gave no pair. `reason` is the kind, for counting; `detail` is told to a person."""

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
