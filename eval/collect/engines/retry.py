"""When to try again: how long to wait, and when to give up on one prompt or on a whole server."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from eval.errors import EngineError, EngineOverloaded, EngineRejected, EngineUnreachable

#: Statuses that speak of the address or the key, not of one prompt: every other prompt would get them too.
NOT_THIS_SERVER = frozenset({401, 403, 404, 405})
#: Those among them that a filter or a gateway may also give to a single prompt.
PERHAPS_THIS_PROMPT = frozenset({403, 404})


def cannot_batch(error: EngineError) -> bool:
    """How a TGI whose model has no batched path refuses the second of two requests."""
    return error.status == 424 and "past_key_values" in str(error)


@dataclass
class Backoff:
    """Waiting between the tries of one prompt: doubled each time, with jitter, never above `longest` seconds.

    A busy server (429) is alive, so its refusals use up `patience` seconds and not the `attempts`.
    """

    attempts: int
    first: float
    longest: float
    patience: float
    tries: int = 0
    _failed: int = 0
    _began: float = field(default_factory=time.monotonic)

    def wait(self, error: EngineError) -> float | None:
        """Count a failed try; seconds until the next one, or None when it is not worth it."""
        self.tries += 1
        if isinstance(error, EngineRejected):
            return None
        if isinstance(error, EngineOverloaded):
            delay = self._delay(self.tries, error.retry_after)
            return delay if time.monotonic() - self._began + delay <= self.patience else None
        self._failed += 1
        return None if self._failed >= self.attempts else self._delay(self._failed, None)

    def _delay(self, nth: int, asked: float | None) -> float:
        grown = min(self.longest, self.first * 2.0 ** min(nth - 1, 30))
        # Never before the server asked for it, and not all at the same moment.
        return max((asked or 0.0) * random.uniform(1.0, 1.1), grown * random.uniform(0.5, 1.0))


@dataclass
class Breaker:
    """Ends a run whose server is gone: after `limit` prompts in a row that failed for lack of a server."""

    limit: int
    in_a_row: int = 0
    #: Whether it has answered anything.
    ever: bool = False

    def answered(self) -> None:
        self.in_a_row = 0
        self.ever = True

    def failed(self, error: EngineError) -> None:
        """Count a prompt given up. Raises an EngineError that ends the run when they are too many."""
        if isinstance(error, EngineRejected):
            return
        self.in_a_row += 1
        if self.in_a_row >= self.limit:
            kind = EngineUnreachable if isinstance(error, EngineUnreachable) else EngineError
            raise kind(
                f"{error} — the last {self.in_a_row} prompts failed like this, so the run ends here; "
                "all answers so far are kept, and the same command continues from them",
                status=error.status,
            ) from error


def first_error(group: BaseExceptionGroup) -> BaseException:
    """The first of the errors that ended several tasks, out of however many groups it is in."""
    first = group.exceptions[0]
    return first_error(first) if isinstance(first, BaseExceptionGroup) else first
