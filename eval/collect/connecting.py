"""From an address to the engine that answers there: which protocol a server speaks is found by asking it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eval.collect.engines import Engine
from eval.collect.tgi import TgiEngine
from eval.collect.transport import KEY_VARIABLE, Transport


@asynccontextmanager
async def connect(url: str, *, seconds: float = 120.0, connections: int = 16) -> AsyncIterator[Engine]:
    """The engine that answers at `url`, found by asking it; a request may take `seconds`. Leaving closes its session.

    Raises InputError where `url` is no address, EngineUnreachable where nobody answers, EngineError where
    what answers speaks no protocol that we know.
    """
    key = os.environ.get(KEY_VARIABLE, "")
    async with Transport(url, timeout=seconds, connections=connections, key=key) as transport:
        yield await TgiEngine.open(transport)
