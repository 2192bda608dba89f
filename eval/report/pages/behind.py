"""Figures that only one page asks for and that may take long: computed behind the page, one after the other."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from blindside.garbage import collected_later

T = TypeVar("T")

#: Of so many pages the last figures are kept.
_MOST_KEPT = 16
#: Seconds for which figures count that were ready before somebody asked again.
_FRESH = 10.0


@dataclass(frozen=True)
class Late(Generic[T]):
    """Figures as they were last computed, None before the first; `fresh`: nothing newer is under way."""

    value: T | None
    fresh: bool


@dataclass
class _Job:
    """`until`: when what was computed is too old for who asks."""

    future: Future[Any] = field(default_factory=Future)
    until: float = math.inf


class Behind:
    """Computes for pages. `patience`: seconds that a page waits before it shows the figures from before."""

    def __init__(self, patience: float = math.inf) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._jobs: dict[tuple[Hashable, str], _Job] = {}
        self._last: dict[Hashable, Any] = {}

    def get(self, name: Hashable, stamp: str, make: Callable[[], T]) -> Late[T]:
        """What `make` makes of the files with this stamp, computed once for all who ask at the same time; or, where it
        is not there in time, what it last made under this name. Raises what it raised."""
        key = (name, stamp)
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.until < time.monotonic():
                job = self._begun(key, make)
        wait([job.future], None if self._patience == math.inf else self._patience)
        with self._lock:
            if not job.future.done():
                return Late(self._last.get(name), fresh=False)
            if self._jobs.get(key) is job:
                del self._jobs[key]
        return Late(job.future.result(), fresh=True)

    def _begun(self, key: tuple[Hashable, str], make: Callable[[], T]) -> _Job:
        job = self._jobs[key] = _Job()
        for old in [one for one, other in self._jobs.items() if other.until < time.monotonic()]:
            del self._jobs[old]
        threading.Thread(target=self._work, args=(key[0], job, make), daemon=True).start()
        return job

    def _work(self, name: Hashable, job: _Job, make: Callable[[], T]) -> None:
        try:
            with self._turn, collected_later():
                value = make()
        except BaseException as error:  # noqa: BLE001 (whoever waits is told)
            job.until = time.monotonic() + _FRESH
            job.future.set_exception(error)
            return
        with self._lock:
            self._last.pop(name, None)
            self._last[name] = value
            for old in list(self._last)[:-_MOST_KEPT]:
                del self._last[old]
        job.until = time.monotonic() + _FRESH
        job.future.set_result(value)
