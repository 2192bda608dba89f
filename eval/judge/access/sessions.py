"""Login sessions: random tokens in memory, valid as long as the account stays unchanged."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

#: Seconds without a request after which a login is over.
IDLE = 12 * 3600
#: Logins at once, and of one reviewer; beyond, the one that was used longest ago goes.
MOST, MOST_OF_ONE = 2_000, 20

Clock = Callable[[], float]


class Accounts(Protocol):
    """Who may log in."""

    def check(self, name: str, password: str) -> bool: ...

    def fingerprint(self, name: str) -> str:
        """Of the account: another one after every change of its password, and "" where there is no such account."""
        ...


@dataclass
class _Session:
    name: str
    fingerprint: str
    seen: float


class Sessions:
    """Sessions by token, the one that was used longest ago first."""

    def __init__(self, accounts: Accounts, clock: Clock = time.time) -> None:
        self._accounts = accounts
        self._clock = clock
        self._open: dict[str, _Session] = {}

    def __len__(self) -> int:
        return len(self._open)

    def start(self, name: str, fingerprint: str) -> str:
        """A new token. `fingerprint` is that of the account when its password was checked."""
        own = [token for token, session in self._open.items() if session.name == name]
        for token in own[: max(0, len(own) + 1 - MOST_OF_ONE)]:
            self.end(token)
        while len(self._open) >= MOST:
            self.end(next(iter(self._open)))
        token = secrets.token_urlsafe(32)
        self._open[token] = _Session(name, fingerprint, self._clock())
        return token

    def name(self, token: str) -> str:
        """Whose login this is now; "" for one that is over, was never ours, or whose account changed."""
        session = self._open.pop(token, None)
        if session is None or self._clock() - session.seen > IDLE:
            return ""
        if session.fingerprint != self._accounts.fingerprint(session.name):
            return ""
        session.seen = self._clock()
        self._open[token] = session
        return session.name

    def end(self, token: str) -> None:
        self._open.pop(token, None)
