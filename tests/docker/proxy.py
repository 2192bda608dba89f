"""A socket in front of the engine's own, so that a test can take the engine away without stopping it for others."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Proxy:
    """Listens at `path` and passes everything on to the engine, until it is stopped."""

    def __init__(self, path: Path, engine: str) -> None:
        self.path, self.engine = path, engine
        self.pairs: list[socket.socket] = []
        self.threads: list[threading.Thread] = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(64)
        self._run(self._accept)

    def stop(self) -> None:
        """From now on it is as if the engine had ended: what is open breaks, and nobody listens."""
        self.path.unlink(missing_ok=True)
        for one in [self.listener, *self.pairs]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        for one in [self.listener, *self.pairs]:
            one.close()

    def _run(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.engine)
                self.pairs += [near, far]
                self._run(self._copy, near, far)
                self._run(self._copy, far, near)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def proxy(path: Path, engine: str) -> Iterator[Proxy]:
    made = Proxy(path, engine)
    try:
        yield made
    finally:
        made.stop()
