"""Putting the probes to the servers: at once to servers apart, one after the other to what one address serves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.collect.engines.transport import Transport
from eval.collect.listeners.heard import Heard, Identity, Listener
from eval.collect.listeners.opening import open_listener
from eval.collect.listeners.probes import Probe
from eval.collect.progress import Steps
from eval.records import Side

_SECONDS = 300.0  # for one request: a large model on a CPU reads a long text slowly
Address = tuple[Side, str]


@dataclass(frozen=True)
class Listened:
    """One server as it was heard."""

    side: Side
    url: str
    identity: Identity
    heards: tuple[Heard, ...]


def listen(servers: Sequence[Address], probes: Sequence[Probe], say: Callable[[str], None]) -> list[Listened]:
    """All servers' answers to all probes, in the order of `servers`. Raises EngineError where one does not answer."""
    totals: dict[str, int] = {}
    for side, _ in servers:
        totals[side] = totals.get(side, 0) + len(probes)
    with Steps("parity", totals, say, step="probe") as steps:
        return asyncio.run(_Listening(probes, steps, totals).all(servers))


class _Listening:
    def __init__(self, probes: Sequence[Probe], steps: Steps, totals: dict[str, int]) -> None:
        self.probes = probes
        self.steps = steps
        self.totals = totals
        self.done: Counter[Side] = Counter()

    async def all(self, servers: Sequence[Address]) -> list[Listened]:
        """Two names behind one address may be one engine that loads a model at a time, so they take turns."""
        turns: dict[str, asyncio.Lock] = {}
        locks = [turns.setdefault(url.partition("#")[0], asyncio.Lock()) for _, url in servers]
        asked = [self._server(side, url, lock) for (side, url), lock in zip(servers, locks, strict=True)]
        return list(await asyncio.gather(*asked))

    async def _server(self, side: Side, url: str, turn: asyncio.Lock) -> Listened:
        """One server's answers, one request at a time."""
        async with turn, Transport(url, timeout=_SECONDS, connections=1) as transport:
            listener = await open_listener(transport, url.partition("#")[2])
            heards = [await self._hear(side, listener, probe) for probe in self.probes]
            chats = [probe for probe in self.probes if probe.chat]
            if chats and _none_ended(heards) and listener.identity.proof.answers:
                self.totals[side] += 1
                heards.append(await self._hear(side, listener, chats[0].to_its_end()))
            return Listened(side, transport.url, listener.identity, tuple(heards))

    async def _hear(self, side: Side, listener: Listener, probe: Probe) -> Heard:
        heard = await listener.hear(probe)
        self.done[side] += 1
        self.steps.count(side, self.done[side], self.totals[side])
        return heard


def _none_ended(heards: Sequence[Heard]) -> bool:
    """Whether conversations were answered, and no answer came to its end."""
    answered = [heard for heard in heards if heard.probe.chat and heard.answer]
    return bool(answered) and not any(heard.finish == "eos_token" for heard in answered)
