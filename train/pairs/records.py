"""Reads rows of preference data; an unreadable file is a PairsError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blindside.reading import BadFile
from blindside.tables.encoding import Note
from blindside.tables.reader import Rows, ignore, read_rows
from train.errors import PairsError


def read_records(path: Path, note: Note = ignore) -> Rows:
    """As `read_rows`; notes begin with the file. Raises PairsError."""
    with named(path):
        yield from read_rows(path, lambda text: note(f"{path} {text}"))


@contextmanager
def named(path: Path) -> Iterator[None]:
    """What makes a file unusable, reported with its name: a BadFile within becomes a PairsError."""
    try:
        yield
    except BadFile as error:
        raise PairsError(error.problem, path=path, line=error.line) from None
