"""A lock between processes, on a file of its own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileLock:
    """Held once by its process, however often `held` is nested. Its threads must agree by a lock of their own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raises OSError where the lock cannot be had."""
        if self._held:
            yield
            return
        fd = self._take()
        self._held = True
        try:
            yield
        finally:
            self._held = False
            os.close(fd)

    def _take(self) -> int:
        while True:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                # Whoever removes the file while we wait leaves us with a lock that nobody else will ask for.
                if self._is_still(fd):
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def _is_still(self, fd: int) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(fd))
        except FileNotFoundError:
            return False
