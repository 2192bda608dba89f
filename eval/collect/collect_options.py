"""How a collection asks, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from eval.collect.engines.protocol import Engine
from eval.collect.engines.retry import Backoff, Breaker
from eval.collect.engines.transport import LARGEST
from eval.collect.worker import Fit, SideWorker
from eval.records import Prompt, Side


@dataclass(frozen=True)
class CollectOptions:
    """How to ask. Times are in seconds; `concurrency` is per side."""

    concurrency: int = 16
    timeout: float = 120.0
    #: Bytes of one answer.
    largest: int = LARGEST
    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0
    #: How long one prompt may be put off by a busy server (429).
    patience: float = 600.0
    #: So many prompts in a row that fail on one side end the run: its server is gone.
    give_up_after: int = 20
    #: Seconds between lines of progress where there is no terminal, and between calls of `check`.
    tell_every: float = 5.0
    check_every: float = 0.5
    #: After so many seconds without an answer, the reason is printed.
    quiet_after: float = 120.0
    #: Whether prompts that a server refused are asked again.
    retry_failed: bool = False
    #: Whether the two sides may be served in different quantisations.
    mixed: bool = False

    def backoff(self) -> Backoff:
        return Backoff(self.attempts, self.first_wait, self.longest_wait, self.patience)

    def worker(
        self,
        side: Side,
        engine: Engine,
        todo: Iterable[Prompt],
        *,
        fit: Fit,
        tell: Callable[[str], None],
        check: Callable[[], None] | None = None,
    ) -> SideWorker:
        """One side's prompts on their way to its engine, asked as these options say."""
        return SideWorker(
            side=side,
            engine=engine,
            todo=iter(todo),
            width=min(self.concurrency, engine.info.max_concurrent or self.concurrency),
            fit=fit,
            backoff=self.backoff,
            breaker=Breaker(self.give_up_after),
            tell=tell,
            check=check or no_check,
        )


@dataclass(frozen=True)
class CollectSummary:
    """Counts of (prompt, side). `already` were on disk before, `failed` have no answer now."""

    asked: int
    answered: int
    failed: int
    already: int
    seconds: float


def no_check() -> None:
    return None
