"""Watches a file of verdicts while nobody judges: rows that vanish are put back within a second."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from eval.errors import BlindsideError

_log = logging.getLogger(__name__)

#: Seconds between two looks.
EVERY = 1.0


class FileState(Protocol):
    """One ledger, or several together."""

    def look(self) -> None: ...


@contextmanager
def watched(ledger: FileState) -> Iterator[None]:
    """Look every second, and once more at the end."""
    end = threading.Event()

    def watch() -> None:
        reported = ""
        while not end.wait(EVERY):
            reported = _look(ledger, reported)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
        _look(ledger, "")


def _look(ledger: FileState, reported: str) -> str:
    """What stops the judging, logged unless it is what was `told` before; empty where nothing does."""
    try:
        ledger.look()
    except BlindsideError as error:
        if str(error) != reported:
            _log.warning("%s", error)
        return str(error)
    return ""
