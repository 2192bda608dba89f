"""Test equipment: real servers on loopback that speak TGI's wire format, or fail in ways that servers have.

`python -m tests.collect.servers --delay 0.05` serves until its standard input closes, and prints its address.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

#: What a server does to the nth request (from 0) with this text, instead of answering; None: it answers.
Trouble = Callable[[web.Request, str, int], Awaitable[web.StreamResponse | None]]
TEMPLATE_TOKENS = 9


@dataclass
class Tgi:
    """A server that answers every prompt with its own words, and counts what it was asked."""

    name: str = "model"
    delay: float = 0.0
    trouble: Trouble | None = None
    info: dict[str, Any] = field(default_factory=dict)
    #: How often each text was asked, how often it was answered, and the bodies of the requests.
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    tokenized: int = 0
    connections: set[Any] = field(default_factory=set)
    url: str = ""

    def say(self, text: str) -> str:
        return f"{self.name} answers: {text}"

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**24)
        app.router.add_get("/info", self._info)
        app.router.add_post("/chat_tokenize", self._tokenize)
        app.router.add_post("/v1/chat/completions", self._chat)
        return app

    async def _info(self, request: web.Request) -> web.Response:
        limits = {"max_input_tokens": 1023, "max_total_tokens": 1024, "max_concurrent_requests": 128}
        return web.json_response(
            {"model_id": self.name, "model_sha": f"sha-of-{self.name}", "version": "3.3.6-dev0", **limits, **self.info}
        )

    async def _tokenize(self, request: web.Request) -> web.Response:
        """One token a word, and what a template adds."""
        self.tokenized += 1
        messages = (await request.json())["messages"]
        words = sum(len(message["content"].split()) + TEMPLATE_TOKENS for message in messages)
        return web.json_response({"tokenize_response": [{"id": 1}] * words, "templated_text": ""})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        text = body["messages"][-1]["content"]
        nth = self.asked[text]
        self.asked[text] += 1
        self.bodies.append(body)
        self.connections.add(request.transport)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            bad = await self.trouble(request, text, nth) if self.trouble else None
            if bad is not None:
                return bad
            await asyncio.sleep(self.delay)
        finally:
            self.in_flight -= 1
        self.answered[text] += 1
        return web.json_response(self.completion(body))

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        return completion(self.name, self.say(body["messages"][-1]["content"]))


def completion(model: str, text: str, finish_reason: str = "stop") -> dict[str, Any]:
    """A chat completion as TGI writes it."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    return {
        "object": "chat.completion",
        "id": "",
        "created": 1795509374,
        "model": model,
        "system_fingerprint": "3.3.6-dev0-native",
        "choices": [choice],
        "usage": {"prompt_tokens": 16, "completion_tokens": 8, "total_tokens": 24},
    }


def always(response: Callable[[], web.Response]) -> Trouble:
    """Every request gets this response."""

    async def trouble(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return response()

    return trouble


def at_first(times: int, response: Callable[[], web.Response]) -> Trouble:
    """The first `times` requests for a text get this response, later ones an answer."""

    async def trouble(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return response() if nth < times else None

    return trouble


async def hang(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
    await asyncio.sleep(3600)
    return None


async def close_midway(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
    """Promise a long body, send some of it, and drop the connection."""
    response = web.StreamResponse(headers={"Content-Length": "5000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"object": "chat.comple')
    assert request.transport is not None
    request.transport.abort()
    return response


async def hang_up(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
    """Drop the connection without a word."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@contextlib.contextmanager
def serving(app: web.Application, port: int = 0) -> Iterator[str]:
    """The address of `app`, served from a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    # Those that hang are cut off at the end instead of being waited for.
    runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True)
    try:
        url = asyncio.run_coroutine_threadsafe(_start(runner, port), loop).result(10)
        yield url
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _start(runner: web.AppRunner, port: int) -> str:
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


@contextlib.contextmanager
def tgi(server: Tgi, port: int = 0) -> Iterator[Tgi]:
    with serving(server.app(), port) as url:
        server.url = url
        yield server


@contextlib.contextmanager
def raw(answer: bytes) -> Iterator[str]:
    """A port where every connection gets these bytes and is closed."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    start = asyncio.start_server(handle, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(start, loop).result(10)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()


@contextlib.asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None)
    try:
        yield await _start(runner, 0)
    finally:
        await runner.cleanup()


async def _main(delay: float) -> None:
    async with _served(Tgi(delay=delay).app()) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.05)
    asyncio.run(_main(parser.parse_args().delay))
