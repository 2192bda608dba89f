"""Several servers of one model as one Engine: the least busy one is asked, a dead one is left out and reported.

A request that fails on one replica goes to the next. One that failed three times in a row where another one then
answered is left out (at once where it refuses us), so the last one that answers never is. It comes back when it can be
connected to again and serves the same as before: that is tried after one second, then after two, four, …, at most
thirty. Where it serves something else by then, it stays out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from blindside.addresses import without_secrets
from eval.collect.engines.protocol import Completion, Engine, EngineInfo
from eval.collect.engines.retry import NOT_THIS_SERVER, cannot_batch
from eval.errors import BlindsideError, EngineError, EngineOverloaded, EngineRejected, EngineUnreachable, InputError
from eval.records import Message

FAILURES = 3  # in a row that put a replica out, where another one answered
LONGEST_WAIT = 30.0  # seconds between two checks of one that is out
#: What a server says of its limits: with other ones the same prompt would get another length.
_LIMITS = ("max_input_tokens", "max_total_tokens", "max_model_len", "n_ctx", "quantization")

Opener = Callable[[str], AbstractAsyncContextManager[Engine]]
Answer = TypeVar("Answer")


@dataclass(eq=False)
class _Replica:
    """One server. `address` is as it was given; `out` says why it is left out, and is None while it is asked."""

    address: str
    engine: Engine
    busy: int = 0
    asked: int = 0
    failed_in_a_row: int = 0
    out: EngineError | None = None
    checks: int = 0
    #: When it is checked next, on the monotonic clock; infinite during a check, and if it serves another model.
    check_at: float = 0.0

    @property
    def name(self) -> str:
        """The address as it may be told."""
        return without_secrets(self.address)

    @contextmanager
    def working(self) -> Iterator[Engine]:
        self.busy += 1
        try:
            yield self.engine
        finally:
            self.busy -= 1

    def load(self) -> tuple[bool, int, int]:
        """The least is asked: one that is not full, with few in flight, and of those the one that had fewer."""
        most = self.engine.info.max_concurrent
        return (most is not None and self.busy >= most, self.busy, self.asked)


class Replicas:
    """An Engine made of several that serve the same. Both calls raise as Engine's do, once no replica can answer."""

    def __init__(
        self,
        engines: Sequence[tuple[str, Engine]],
        reopen: Opener,
        tell: Callable[[str], None],
        *,
        first_check: float,
    ) -> None:
        self._replicas = [_Replica(address, engine) for address, engine in engines]
        self._reopen = reopen
        self._tell = tell
        self._first_check = first_check
        self._checks: set[asyncio.Task[None]] = set()
        self.url = " ".join(replica.name for replica in self._replicas)
        self.info = _together(self._replicas)

    async def fit(self, messages: Sequence[Message], max_tokens: int) -> int:
        # Most prompts are fitted without a request, which shows nothing of the server.
        return await self._somewhere(lambda engine: engine.fit(messages, max_tokens), asks=False)

    async def chat(self, messages: Sequence[Message], max_tokens: int) -> Completion:
        return await self._somewhere(lambda engine: engine.chat(messages, max_tokens), asks=True)

    async def close(self) -> None:
        for task in self._checks:
            task.cancel()
        await asyncio.gather(*self._checks, return_exceptions=True)

    async def _somewhere(self, call: Callable[[Engine], Awaitable[Answer]], *, asks: bool) -> Answer:
        """What the least busy replica answers; the next one is asked where it fails."""
        failed: dict[_Replica, EngineError] = {}
        while True:
            self._check_those_due()
            replica = self._least_busy(failed)
            if replica is None:
                raise self._nobody(failed)
            replica.asked += asks
            try:
                with replica.working() as engine:
                    answer = await call(engine)
            except EngineError as error:
                if isinstance(error, EngineRejected) or cannot_batch(error):
                    raise
                failed[replica] = error
            else:
                if asks:
                    replica.failed_in_a_row = replica.checks = 0
                self._count(failed)
                return answer

    def _least_busy(self, failed: dict[_Replica, EngineError]) -> _Replica | None:
        others = [replica for replica in self._replicas if replica.out is None and replica not in failed]
        return min(others, key=_Replica.load, default=None)

    def _nobody(self, failed: dict[_Replica, EngineError]) -> EngineError:
        """What to tell where no replica answered: what is worth another try decides."""
        busy = [error for error in failed.values() if isinstance(error, EngineOverloaded)]
        if busy:
            return min(busy, key=lambda error: error.retry_after or 0.0)
        last = max(failed.values(), key=lambda error: error.status not in NOT_THIS_SERVER)
        reasons = [failed.get(replica, replica.out) for replica in self._replicas]
        if all(isinstance(reason, EngineUnreachable) for reason in reasons):
            return EngineUnreachable(f"none of the {len(self._replicas)} replicas answers: {last}")
        return last

    def _count(self, failed: dict[_Replica, EngineError]) -> None:
        """Failures of a request that another replica answered: they speak of the replica, not of the request."""
        for replica, error in failed.items():
            if isinstance(error, EngineOverloaded):
                continue
            replica.failed_in_a_row += 1
            too_many = replica.failed_in_a_row >= FAILURES or error.status in NOT_THIS_SERVER
            if too_many and replica.out is None:
                self._put_out(replica, error)

    def _put_out(self, replica: _Replica, error: EngineError) -> None:
        replica.out = error
        replica.check_at = time.monotonic() + self._wait(replica)
        left = sum(other.out is None for other in self._replicas)
        self._tell(f"replica left out, {left} of {len(self._replicas)} in use: {error}")

    def _wait(self, replica: _Replica) -> float:
        wait: float = min(LONGEST_WAIT, self._first_check * 2.0 ** min(replica.checks, 30))
        replica.checks += 1
        return wait

    def _check_those_due(self) -> None:
        for replica in self._replicas:
            if replica.out is not None and replica.check_at <= time.monotonic():
                replica.check_at = float("inf")
                task = asyncio.create_task(self._check(replica))
                self._checks.add(task)
                task.add_done_callback(self._checks.discard)

    async def _check(self, replica: _Replica) -> None:
        """Connect again; only a replica that serves the same comes back, and one more failure puts it out again."""
        try:
            async with self._reopen(replica.address) as fresh:
                now = fresh.info
        except BlindsideError:
            replica.check_at = time.monotonic() + self._wait(replica)
            return
        if _identity(now) != _identity(replica.engine.info):
            self._tell(f"replica {replica.name} stays out: it now serves {_words(now)}")
            return
        replica.out = None
        replica.failed_in_a_row = FAILURES - 1
        self._tell(f"replica {replica.name} answers again and is used again")


@asynccontextmanager
async def connect_replicas(
    addresses: Sequence[str],
    open_one: Opener,
    tell: Callable[[str], None],
    *,
    first_check: float = 1.0,
    some_gone: bool = False,
) -> AsyncIterator[Replicas]:
    """All replicas of one side, each of which must be there to begin with; with `some_gone`, one of them.

    Raises as `open_one` does, and InputError where an address is given twice or they serve different things.
    """
    twice = [address for address in addresses if addresses.count(address) > 1]
    if twice:
        raise InputError(f"{without_secrets(twice[0])} is given twice for one side: give each replica once")
    async with AsyncExitStack() as stack:
        engines, gone = list[tuple[str, Engine]](), list[EngineUnreachable]()
        for address in addresses:
            try:
                engines.append((address, await stack.enter_async_context(open_one(address))))
            except EngineUnreachable as error:
                gone.append(error)
                if not some_gone or len(gone) == len(addresses):
                    raise
                tell(f"replica left out: {error}")
        replicas = Replicas(engines, open_one, tell, first_check=first_check)
        stack.push_async_callback(replicas.close)
        yield replicas


def _together(replicas: Sequence[_Replica]) -> EngineInfo:
    """What all of them are. Raises InputError where they are not the same."""
    first = replicas[0]
    for other in replicas[1:]:
        if _identity(other.engine.info) != _identity(first.engine.info):
            raise InputError(
                f"{first.name} serves {_words(first.engine.info)}, and {other.name} serves "
                f"{_words(other.engine.info)}: replicas of one side must serve the same model with the same software"
            )
    info = first.engine.info
    most = [replica.engine.info.max_concurrent for replica in replicas]
    return EngineInfo(
        name=info.name,
        model_id=info.model_id,
        revision=info.revision,
        max_concurrent=sum(one for one in most if one is not None) if None not in most else None,
        served={**info.served, "replicas": {replica.name: replica.engine.info.served for replica in replicas}},
    )


def _identity(info: EngineInfo) -> tuple[object, ...]:
    return (info.name, info.model_id, info.revision, *(info.served.get(limit) for limit in _LIMITS))


def _words(info: EngineInfo) -> str:
    limits = ", ".join(f"{name} {info.served[name]}" for name in _LIMITS if info.served.get(name) is not None)
    revision = f" ({info.revision})" if info.revision else ""
    return f"{info.model_id}{revision} by {info.name}" + (f", {limits}" if limits else "")
