"""Append-only files whose acknowledged records survive anything but the loss of the disk.

A record counts as written when `append` returns: it is on disk (fdatasync), after everything that was there
before, and no other process wrote between its bytes (flock). A record torn by a power cut is set aside in a file
beside the journal, and reported; nothing before it is touched.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def whole_lines(data: bytes) -> int:
    """Length of the complete records at the start of `data`, a record being one line."""
    return data.rfind(b"\n") + 1


def whole_csv_rows(data: bytes) -> int:
    """Length of the complete rows at the start of CSV `data`; a line break inside quotes ends no row."""
    end = len(data)
    while (end := data.rfind(b"\n", 0, end)) >= 0:
        if data.count(b'"', 0, end) % 2 == 0:
            return end + 1
    return 0


class Journal:
    """One append-only file. `whole` tells where its last complete record ends."""

    def __init__(self, path: Path, whole: Callable[[bytes], int] = whole_lines) -> None:
        self.path = path
        self._whole = whole
        #: Bytes known to be whole records, so that an append looks only at what others wrote since.
        self._known = 0

    def append(self, data: bytes, *, header: bytes = b"") -> Path | None:
        """Put `data` (one or more whole records) on disk, after `header` where the file is new.

        Returns the file into which a torn record found at the end was set aside, if there was one.
        Raises OSError when the disk refuses; the file is then as it was before.
        """
        with self._locked() as fd:
            set_aside = self._mend(fd)
            size = os.fstat(fd).st_size
            try:
                _write_all(fd, (header if size == 0 else b"") + data)
                os.fdatasync(fd)
            except OSError:
                os.ftruncate(fd, size)
                raise
            self._known = os.fstat(fd).st_size
        return set_aside

    def mend(self) -> Path | None:
        """Set a torn last record aside now; returns the file that holds it, or None if all is whole."""
        if not self.path.exists():
            return None
        with self._locked() as fd:
            return self._mend(fd)

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

    def _mend(self, fd: int) -> Path | None:
        """Called under the lock."""
        size = os.fstat(fd).st_size
        start = self._known if self._known <= size else 0
        tail = os.pread(fd, size - start, start)
        self._known = start + self._whole(tail)
        if self._known == size:
            return None
        aside = self.path.with_name(f"{self.path.name}.torn-{time.time_ns()}")
        write_atomically(aside, tail[self._known - start :])
        os.ftruncate(fd, self._known)
        os.fdatasync(fd)
        return aside


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step: after a crash it holds the old bytes or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names created or renamed in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
