"""Opens the engine at an address: asks the server which protocol it speaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from eval.collect.engines.http_errors import AGAIN
from eval.collect.engines.openai import OpenAiEngine
from eval.collect.engines.protocol import Engine
from eval.collect.engines.replicas import connect_replicas
from eval.collect.engines.retry import Backoff
from eval.collect.engines.tgi_info import read_info
from eval.collect.engines.transport import LARGEST, Transport
from eval.errors import ConnectionBroke, EngineError, EngineOverloaded, InputError

_NO_SWITCH = (
    "{url} uses TGI's protocol, which has no switch for thinking: put {{% set enable_thinking = {choice} %}} at the "
    "beginning of its chat template and serve that, or use vLLM, SGLang or llama.cpp"
)

#: Where one side answers: an address, or those of several replicas. `#name` behind one names the model.
Address = str | Sequence[str]


@asynccontextmanager
async def connect(
    address: Address,
    *,
    seconds: float = 120.0,
    connections: int = 16,
    largest: int = LARGEST,
    tell: Callable[[str], None] = lambda line: None,
    opening: Callable[[], Backoff] | None = None,
    enable_thinking: bool | None = None,
    some_gone: bool = False,
) -> AsyncIterator[Engine]:
    """The engine that answers at `address`, found by asking it; a request may take `seconds`, and a body `largest`
    bytes. Leaving closes it. `enable_thinking` is the chat template's switch, None as the template has it.

    `opening` says how often a busy or loading server is asked again at first; without it, once.
    Of several addresses, the least busy one is asked; `tell` hears of those that are lost and that come back. With
    `some_gone` one of them is enough to begin with.
    Raises InputError where one is no address, or it is open which model is meant, or replicas differ, or a server
    takes no switch for thinking;
    EngineUnreachable where nobody answers, EngineError where what answers speaks no protocol that we know.
    """
    addresses = [address] if isinstance(address, str) else list(address)
    if not addresses:
        raise InputError("no address is given: name a server like http://127.0.0.1:8080")

    @asynccontextmanager
    async def one(address: str) -> AsyncIterator[Engine]:
        async with Transport(address, timeout=seconds, connections=connections, largest=largest) as transport:
            model = address.partition("#")[2] or transport.deployment
            backoff = opening() if opening else None
            yield await _patiently(lambda: _ask(transport, model, enable_thinking), backoff)

    if len(addresses) == 1:
        async with one(addresses[0]) as engine:
            yield engine
        return
    async with connect_replicas(addresses, one, tell, some_gone=some_gone) as replicas:
        yield replicas


async def _patiently(ask: Callable[[], Awaitable[Engine]], backoff: Backoff | None) -> Engine:
    """What `ask` gives, asked again while the server is busy, loads its model, or drops connections."""
    while True:
        try:
            return await ask()
        except EngineError as error:
            passes = isinstance(error, EngineOverloaded | ConnectionBroke)
            passes = passes or error.status in AGAIN or (error.status or 0) >= 500
            wait = backoff.wait(error) if backoff and passes else None
            if wait is None:
                raise
            await asyncio.sleep(wait)


async def _ask(transport: Transport, model: str, enable_thinking: bool | None) -> Engine:
    """TGI is known by its /info; whatever lists models is OpenAI-compatible."""
    info = read_info(await transport.get("/info"), transport.url)
    if info is None:
        return await OpenAiEngine.open(transport, model, enable_thinking)
    if enable_thinking is not None:
        raise InputError(_NO_SWITCH.format(url=transport.url, choice=str(enable_thinking).lower()))
    # Only here: its package is an extra, and costs a third of a second to import.
    from eval.collect.engines.tgi import TgiEngine

    engine = await TgiEngine.open(transport, info)
    if model and model != engine.info.model_id:
        raise InputError(f"{transport.url} serves {engine.info.model_id}, not {model}: is the address right?")
    return engine
