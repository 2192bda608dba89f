"""Limits on password guesses: two are checked at a time, and a name that failed waits longer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from eval.judge.study.names import clean_name

if TYPE_CHECKING:
    from anyio import CapacityLimiter

#: Checks at once (16 MiB and one core each), and how many more may wait for their turn.
AT_ONCE, WAITING = 2, 16
#: Failures that cost a name no delay; each further one doubles it, from 2 seconds up to a minute.
FREE, LONGEST = 3, 60.0
#: Names whose failures are remembered, and for how many seconds after the last one.
MOST, FORGOTTEN = 10_000, 3600.0


class TooManyAttempts(Exception):
    """Not checked: too many wait, or this name failed too often. `seconds`: when to try again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} s")
        self.seconds = seconds


class LoginLimiter:
    """`check` (slow, in threads of its own), for whoever may try now."""

    def __init__(self, check: Callable[[str, str], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._check = check
        self._clock = clock
        self._limiter: CapacityLimiter | None = None
        self._checking: set[str] = set()
        # name -> (failures, when the last one was), the longest ago first
        self._failed: dict[str, tuple[int, float]] = {}

    async def check(self, name: str, password: str) -> bool:
        """Whether this is the password. Raises TooManyAttempts where that is not looked at."""
        import anyio

        key = clean_name(name)[0]
        self._refuse_haste(key)
        self._limiter = self._limiter or anyio.CapacityLimiter(AT_ONCE)
        self._checking.add(key)
        try:
            right = await anyio.to_thread.run_sync(self._check, name, password, limiter=self._limiter)
        finally:
            self._checking.discard(key)
        self._note(key, right)
        return right

    def failures(self, name: str) -> int:
        """How often a name has failed in a row."""
        return self._failed.get(clean_name(name)[0], (0, 0.0))[0]

    def _refuse_haste(self, key: str) -> None:
        failures, when = self._failed.get(key, (0, 0.0))
        wait = when + _delay(failures) - self._clock() if failures > FREE else 0.0
        if wait > 0:
            raise TooManyAttempts(math.ceil(wait))
        # One check at a time per name: else the delay could be bypassed by trying many at once.
        if key in self._checking or len(self._checking) >= AT_ONCE + WAITING:
            raise TooManyAttempts(1)

    def _note(self, key: str, right: bool) -> None:
        failures, when = self._failed.pop(key, (0, 0.0))
        if right:
            return
        now = self._clock()
        self._failed[key] = (1 if now - when > FORGOTTEN else failures + 1, now)
        if len(self._failed) > MOST:
            del self._failed[next(iter(self._failed))]


def _delay(failures: int) -> float:
    """Seconds until a name that failed so often in a row may try again."""
    return float(min(2.0 ** min(failures - FREE, 30), LONGEST))
