"""Writes responses.jsonl: rows wait in a queue, and each batch is written with one fsync."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType

from eval.answers import encode
from eval.errors import RunError
from eval.journal import Journal
from eval.records import Failure, Response

Line = Response | Failure


class AnswerWriter:
    """Appends rows as they come. Use it as an async context manager: leaving it puts everything on disk.

    `on_disk` gets the rows that are there for good; nothing counts as answered before. After a refusal by
    the disk, `put` and `check` raise RunError.
    """

    def __init__(self, journal: Journal, on_disk: Callable[[Sequence[Line]], None]) -> None:
        self._journal = journal
        self._on_disk = on_disk
        self._rows: asyncio.Queue[tuple[Line, bytes] | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> AnswerWriter:
        self._task = asyncio.create_task(self._drain())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.put_nowait(None)
        assert self._task is not None
        await asyncio.wait([self._task])
        self.check()

    def put(self, row: Line) -> None:
        self.check()
        # Encoded here, so that the thread only writes, and never holds the interpreter while answers come.
        self._rows.put_nowait((row, encode([row])))

    def check(self) -> None:
        if self._task is not None and self._task.done():
            self._task.result()

    async def _drain(self) -> None:
        ends = False
        while not ends:
            taken = [await self._rows.get()]
            while not self._rows.empty():
                taken.append(self._rows.get_nowait())
            ends = taken[-1] is None
            batch = [item for item in taken if item is not None]
            if batch:
                await asyncio.to_thread(self._append, b"".join(line for _, line in batch))
                self._on_disk([row for row, _ in batch])

    def _append(self, lines: bytes) -> None:
        try:
            self._journal.append(lines)
        except OSError as error:
            raise RunError(
                f"{self._journal.path}: can't be written ({error.strerror}): make room and start again; "
                "what was written before is intact"
            ) from error
