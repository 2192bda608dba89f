"""What blindside needs of a server that serves a model, whichever protocol it speaks, and how the protocol is found."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from eval.errors import EngineOverloaded
from eval.records import Message

#: Sent to both servers as a bearer token where it is set; never written down.
KEY_VARIABLE = "BLINDSIDE_API_KEY"


class Busy(EngineOverloaded):
    """429; `retry_after` is in seconds where the server said when."""

    def __init__(self, problem: str, *, retry_after: float | None = None) -> None:
        super().__init__(problem, status=429)
        self.retry_after = retry_after


@dataclass(frozen=True)
class EngineInfo:
    """What a server says of itself. `name` is for run.json, `max_concurrent` how many requests it takes at once."""

    name: str
    model_id: str
    revision: str | None
    max_concurrent: int | None
    served: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Completion:
    """A greedy answer. `latency` is in seconds as the client saw it."""

    text: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    latency: float


class Engine(Protocol):
    """One served model. Both calls raise EngineError or one of its kinds."""

    url: str
    info: EngineInfo

    async def fit(self, messages: Sequence[Message], max_tokens: int) -> int:
        """How many tokens the answer may have: `max_tokens`, or fewer where the context is too short for so many.

        Raises EngineRejected where the prompt leaves no room at all.
        """
        ...

    async def chat(self, messages: Sequence[Message], max_tokens: int) -> Completion:
        """The greedy answer to a conversation, at most `max_tokens` long."""
        ...


@asynccontextmanager
async def connect(url: str, *, seconds: float = 120.0, connections: int = 16) -> AsyncIterator[Engine]:
    """The engine that answers at `url`, found by asking it; a request may take `seconds`. Leaving closes its session.

    Raises InputError where `url` is no address, EngineUnreachable where nobody answers, EngineError where
    what answers speaks no protocol that we know.
    """
    from eval.collect.tgi import TgiEngine
    from eval.collect.transport import Transport

    key = os.environ.get(KEY_VARIABLE, "")
    async with Transport(url, timeout=seconds, connections=connections, key=key) as transport:
        yield await TgiEngine.open(transport)
