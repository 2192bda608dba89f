"""Probes all servers: separate addresses at once, models behind one address in turn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.collect.engines.transport import Transport
from eval.collect.probing.open_prober import open_prober
from eval.collect.probing.probes import Probe
from eval.collect.probing.protocol import Identity, Prober, ProbeResult
from eval.collect.progress import Steps
from eval.records import Side

_SECONDS = 300.0  # for one request: a large model on a CPU reads a long text slowly
Address = tuple[Side, str]


@dataclass(frozen=True)
class ProbedServer:
    """What one server made of all probes."""

    side: Side
    url: str
    identity: Identity
    results: tuple[ProbeResult, ...]


def probe_servers(
    servers: Sequence[Address], probes: Sequence[Probe], say: Callable[[str], None]
) -> list[ProbedServer]:
    """All servers' answers to all probes, in the order of `servers`. Raises EngineError where one does not answer."""
    totals: dict[str, int] = {}
    for side, _ in servers:
        totals[side] = totals.get(side, 0) + len(probes)
    with Steps("parity", totals, say, step="probe") as steps:
        return asyncio.run(_Probing(probes, steps, totals).all(servers))


class _Probing:
    def __init__(self, probes: Sequence[Probe], steps: Steps, totals: dict[str, int]) -> None:
        self.probes = probes
        self.steps = steps
        self.totals = totals
        self.done: Counter[Side] = Counter()

    async def all(self, servers: Sequence[Address]) -> list[ProbedServer]:
        """Two names behind one address may be one engine that loads a model at a time, so they take turns."""
        turns: dict[str, asyncio.Lock] = {}
        locks = [turns.setdefault(url.partition("#")[0], asyncio.Lock()) for _, url in servers]
        asked = [self._server(side, url, lock) for (side, url), lock in zip(servers, locks, strict=True)]
        return list(await asyncio.gather(*asked))

    async def _server(self, side: Side, url: str, turn: asyncio.Lock) -> ProbedServer:
        """One server's answers, one request at a time."""
        async with turn, Transport(url, timeout=_SECONDS, connections=1) as transport:
            prober = await open_prober(transport, url.partition("#")[2])
            results = [await self._probe(side, prober, probe) for probe in self.probes]
            chats = [probe for probe in self.probes if probe.chat]
            if chats and _none_ended(results) and prober.identity.proof.answers:
                self.totals[side] += 1
                results.append(await self._probe(side, prober, chats[0].to_its_end()))
            return ProbedServer(side, transport.url, prober.identity, tuple(results))

    async def _probe(self, side: Side, prober: Prober, probe: Probe) -> ProbeResult:
        result = await prober.probe(probe)
        self.done[side] += 1
        self.steps.count(side, self.done[side], self.totals[side])
        return result


def _none_ended(results: Sequence[ProbeResult]) -> bool:
    """Whether conversations were answered, and no answer came to its end."""
    answered = [result for result in results if result.probe.chat and result.answer]
    return bool(answered) and not any(result.finish == "eos_token" for result in answered)
