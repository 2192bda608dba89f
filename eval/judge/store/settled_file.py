"""Reads a file that another program may be in the middle of saving."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path

from eval.errors import InputError
from eval.journal import Stamp, read_stamped, stamp_of
from eval.judge.store.verdict_files import R, RowsFile, unreadable

#: A file in which rows are missing is looked at again once it has been left alone for so long, in seconds, and after
#: so long at the latest.
SETTLED, LONGEST_SAVE = 0.3, 5.0

#: What a file holds, its bytes, and its stamp from before they were read.
Read = tuple[RowsFile[R], bytes, Stamp | None]


def read_settled(path: Path, parse: Callable[[bytes], RowsFile[R]], known: Collection[str]) -> Read[R]:
    """The file as it is once whoever is saving it has finished: at once, where it holds all rows that are `known`.

    Raises InputError for a file that cannot be read, or that `parse` refuses.
    """
    until = time.monotonic() + LONGEST_SAVE
    while True:
        data, stamp = _read(path)
        try:
            file = parse(data)
        except InputError:
            if time.monotonic() > until or _left_alone(path, stamp):
                raise
            continue
        whole = file.torn is None and all(key in file.lines for key in known)
        if whole or time.monotonic() > until or _left_alone(path, stamp):
            return file, data, stamp


def _read(path: Path) -> tuple[bytes, Stamp | None]:
    try:
        return read_stamped(path)
    except OSError as error:
        raise unreadable(path, error) from None


def _left_alone(path: Path, stamp: Stamp | None) -> bool:
    """Wait a little; whether nobody touched the file meanwhile."""
    time.sleep(SETTLED)
    return stamp_of(path) == stamp
