"""A preference pair, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from blindside.tables.rows import Message


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
    #: Columns of its row that hold something and are not read.
    unread: tuple[str, ...] = ()
