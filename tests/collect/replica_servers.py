"""Replicas to test with: engines over several real servers, and prompts put to them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from eval.collect.engines.connect import connect
from eval.collect.engines.protocol import Engine
from eval.collect.engines.replicas import Replicas, connect_replicas
from tests.collect.asks import HI
from tests.support import ROOT


@asynccontextmanager
async def replicas(*urls: str, first_check: float = 600.0) -> AsyncIterator[tuple[Replicas, list[str]]]:
    """Replicas that are checked again after `first_check` seconds, and what they tell."""

    @asynccontextmanager
    async def one(url: str) -> AsyncIterator[Engine]:
        async with connect(url, seconds=5.0) as engine:
            yield engine

    told: list[str] = []
    async with connect_replicas(urls, one, told.append, first_check=first_check) as engine:
        yield engine, told


@contextmanager
def process() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a server that is a process of its own, and can be killed."""
    command = [sys.executable, "-m", "tests.collect.servers", "--delay", "0.05"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().decode().strip(), server
        finally:
            server.kill()


async def ask_until(engine: Engine, told: list[str], lines: int) -> None:
    """Continue asking until so many lines were told."""
    async with asyncio.timeout(30):
        while len(told) < lines:
            await engine.chat(HI, 8)
            await asyncio.sleep(0.005)
