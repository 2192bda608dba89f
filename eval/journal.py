"""Append-only files: an acknowledged record survives anything but the loss of the disk.

A record counts as written when `append` returns: it is on disk (fdatasync), after everything that was there
before, and no other process wrote between its bytes (flock). Whoever reads such a file never writes to it: only a
writer sets a torn last record aside, and only where the file does not end in a line end.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from blindside.files import sync_folder as sync_folder
from blindside.files import write_atomically as write_atomically

_log = logging.getLogger(__name__)

#: What `Stamp` tells apart: inode, size in bytes, time of the last change in ns.
Stamp = tuple[int, int, int]


def whole_lines(data: bytes) -> int:
    """Length of the complete records at the start of `data`, a record being one line."""
    return data.rfind(b"\n") + 1


def whole_csv_rows(data: bytes) -> int:
    """Length of the complete rows at the start of CSV `data`; a line break inside quotes ends no row.

    Data that ends in a line end is complete as a whole: a quote that is never closed is no torn row.
    """
    if data.endswith((b"\n", b"\r")):
        return len(data)
    end = len(data)
    while (end := data.rfind(b"\n", 0, end)) >= 0:
        if data.count(b'"', 0, end) % 2 == 0:
            return end + 1
    return 0


def is_json(record: bytes) -> bool:
    """Whether a record without its line end is all there: half an object is not JSON."""
    try:
        return isinstance(json.loads(record), dict)
    except (ValueError, RecursionError):
        return False


def json_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, line) of a file of JSON lines, which is not written to; a torn last line is left out and logged.

    By bytes: str.splitlines would also split at U+2028, which JSON leaves as it is. Raises OSError.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n") and not is_json(line):
                _log.warning("%s:%d: the last line is not complete and left out", path, number)
                return
            yield number, line


class FileChanged(Exception):
    """A file is not as its writer left it: read it again before you write."""


def _any(_stamp: Stamp) -> bool:
    return True


class Journal:
    """One append-only file. `whole` tells where its last complete record ends, `complete` whether what follows that
    lacks nothing but its line end (an editor may have taken it)."""

    def __init__(
        self,
        path: Path,
        whole: Callable[[bytes], int] = whole_lines,
        complete: Callable[[bytes], bool] = is_json,
    ) -> None:
        self.path = path
        self._whole = whole
        self._complete = complete

    def append(self, data: bytes, *, header: bytes = b"", fits: Callable[[Stamp], bool] = _any) -> Path | None:
        """Put `data` (one or more whole records) on disk, after `header` where the file is new.

        Returns the file into which a torn record found at the end was set aside, if there was one.
        Raises OSError when the disk refuses; the file is then as it was before. Raises FileChanged, and writes nothing
        that counts, where the stamp of the file does not fit: it is asked for under the lock.
        """
        while True:
            with self._locked() as fd:
                if not fits(_stamp(fd)):
                    raise FileChanged
                set_aside = self._repair(fd)
                _append(fd, data, header)
                # Somebody may have put another file in this one's place since it was opened.
                if self._is_still(fd):
                    return set_aside

    def repair(self) -> Path | None:
        """Set a torn last record aside now; returns the file that holds it, or None if all is whole."""
        if not self.path.exists():
            return None
        with self._locked() as fd:
            return self._repair(fd)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        is_new = not self.path.exists()
        fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if is_new:
                sync_folder(self.path.parent)
            yield fd
        finally:
            os.close(fd)

    def _is_still(self, fd: int) -> bool:
        stamp = stamp_of(self.path)
        return stamp is not None and stamp[0] == _stamp(fd)[0]

    def _repair(self, fd: int) -> Path | None:
        """Called under the lock."""
        size = os.fstat(fd).st_size
        if size == 0 or os.pread(fd, 1, size - 1) == b"\n":
            return None
        data = os.pread(fd, size, 0)
        end = self._whole(data)
        torn = data[end:]
        if not torn or self._complete(torn):
            _append(fd, b"\n")
            return None
        aside = self.path.with_name(f"{self.path.name}.torn-{time.time_ns()}")
        write_atomically(aside, torn)
        os.ftruncate(fd, end)
        os.fdatasync(fd)
        return aside


def stamp_of(path: Path) -> Stamp | None:
    """What tells whether a file is still the one, and as it was; None where there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def read_stamped(path: Path) -> tuple[bytes, Stamp | None]:
    """A file's bytes, and its stamp taken before they were read; b"" and None where there is none. Raises OSError."""
    try:
        with path.open("rb") as file:
            stamp = _stamp(file.fileno())
            return file.read(), stamp
    except FileNotFoundError:
        return b"", None


def _stamp(fd: int) -> Stamp:
    stat = os.fstat(fd)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _append(fd: int, data: bytes, header: bytes = b"") -> None:
    size = os.fstat(fd).st_size
    view = memoryview((header if size == 0 else b"") + data)
    try:
        while view:
            view = view[os.write(fd, view) :]
        os.fdatasync(fd)
    except OSError:
        os.ftruncate(fd, size)
        raise
