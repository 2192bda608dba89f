"""Test equipment: one question to one server."""

from __future__ import annotations

from eval.collect.engines.connect import connect
from eval.collect.engines.protocol import Completion
from eval.records import Message

HI = (Message(role="user", content="hi"),)


async def ask(url: str, messages: tuple[Message, ...] = HI, max_tokens: int = 64, seconds: float = 5.0) -> Completion:
    async with connect(url, seconds=seconds) as engine:
        return await engine.chat(messages, await engine.fit(messages, max_tokens))
