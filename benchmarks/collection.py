"""How fast answers are collected: ours, `text-generation`'s client and `huggingface_hub`'s, against one local server.

    .venv/bin/python -m benchmarks.collection [--requests 5120] [--rounds 3] [--url http://127.0.0.1:8080]

The server, a process of its own, answers each request after 50 ms; 64 are in flight, so 1,280 requests/s are ideal.
"collect" is all of `blindside collect`: both sides, 32 in flight each, every answer on disk. Prints requests/s, the
share of the ideal, and ratios. Two free cores are needed for figures that mean something: compare the ratios.

With `--url`, a server that runs already and generates, such as a real vLLM: plain aiohttp beside ours, on the same
prompts, answers of 24 tokens at most. What the server takes is in both, so the ratio says what collecting adds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from eval.collect.collector import CollectOptions, collect
from eval.collect.engines.connect import connect
from eval.collect.new_run import start_collected_run
from eval.collect.prompts.prompt_set import LoadedPrompts, prompts_sha256
from eval.records import Message, Prompt, Side
from eval.run_info import Decoding, PromptSet

DELAY = 0.05  # seconds until the server answers
IN_FLIGHT = 64
IDEAL = IN_FLIGHT / DELAY
LONGEST = 512  # tokens of an answer; of a server that really generates, SHORT
SHORT = 24
TEXT = "The capital of Portugal is Lisbon, which lies on the Tagus and has been the seat of government for centuries."

Ask = Callable[[str], Awaitable[object]]


class Server(asyncio.Protocol):
    """As little HTTP as the clients need, so that the server does not use the time that is measured."""

    def __init__(self) -> None:
        self.seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen += data
        while (end := self.seen.find(b"\r\n\r\n")) >= 0:
            head = self.seen[:end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
            if len(self.seen) < end + 4 + length:
                return
            self.seen = self.seen[end + 4 + length :]
            self.answer(head.split(b" ", 2)[1], b"connection: close" in head)

    def answer(self, path: bytes, close: bool) -> None:
        at_once = {b"/info": INFO, b"/chat_tokenize": TOKENS}.get(path)
        if at_once is not None:
            self.write(at_once, close)
        else:
            asyncio.get_running_loop().call_later(DELAY, self.write, COMPLETION, close)

    def write(self, body: bytes, close: bool) -> None:
        if not self.transport.is_closing():
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            self.transport.write(head.encode() + body)
            if close:
                self.transport.close()


MESSAGE = {"role": "assistant", "content": TEXT}
COMPLETION = json.dumps(
    {
        "object": "chat.completion",
        "id": "",
        "created": 1795509374,
        "model": "model",
        "system_fingerprint": "3.3.6-dev0-native",
        "choices": [{"index": 0, "message": MESSAGE, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 16, "completion_tokens": 24, "total_tokens": 40},
    }
).encode()
TOKENS = json.dumps({"tokenize_response": [{"id": 1}] * 9, "templated_text": ""}).encode()
INFO = json.dumps(
    {"model_id": "model", "model_sha": "0" * 40, "max_input_tokens": 4095, "max_total_tokens": 4096, "version": "3.3.7"}
).encode()


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address of the server, in a process of its own that ends with us."""
    command = [sys.executable, "-m", "benchmarks.collection", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        assert process.stdin is not None
        process.stdin.close()


async def rate(ask: Ask, requests: int) -> float:
    """Requests a second with IN_FLIGHT at once."""
    texts = iter(texts_of(requests))

    async def worker() -> None:
        for text in texts:
            await ask(text)

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return requests / (time.perf_counter() - began)


def texts_of(count: int) -> list[str]:
    return [f"Question {number}: which city is the capital of Portugal, and since when?" for number in range(count)]


async def plain_aiohttp(url: str, requests: int, max_tokens: int = LONGEST, model: str = "tgi") -> float:
    """What one shared session can do that only reads the bytes: the most that is to be had."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

        async def ask(text: str) -> bytes:
            body = {
                "model": model,
                "messages": [{"role": "user", "content": text}],
                "max_tokens": max_tokens,
                "temperature": 0,
            }
            async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                response.raise_for_status()
                return await response.read()

        return await rate(ask, requests)


async def our_engine(url: str, requests: int, max_tokens: int = LONGEST) -> float:
    async with connect(url, connections=IN_FLIGHT) as engine:
        return await rate(lambda text: engine.chat([Message(role="user", content=text)], max_tokens), requests)


async def text_generation_client(url: str, requests: int) -> float:
    from text_generation import AsyncClient
    from text_generation.types import Message as TgiMessage

    client = AsyncClient(url, timeout=60)

    async def ask(text: str) -> object:
        return await client.chat([TgiMessage(role="user", content=text)], max_tokens=512, temperature=0)

    return await rate(ask, requests)


async def hub_client(url: str, requests: int) -> float:
    from huggingface_hub import AsyncInferenceClient

    async with AsyncInferenceClient(base_url=url, timeout=60) as client:

        async def ask(text: str) -> object:
            return await client.chat_completion([{"role": "user", "content": text}], max_tokens=512, temperature=0)

        return await rate(ask, requests)


def whole_collection(url: str, requests: int, max_tokens: int = LONGEST) -> float:
    prompts = [
        Prompt(id=str(number), messages=(Message(role="user", content=text),))
        for number, text in enumerate(texts_of(requests // 2))
    ]
    prompt_set = PromptSet(source="benchmark", sha256=prompts_sha256(prompts), asked=len(prompts))
    urls: dict[Side, str] = {"base": url, "tuned": url}
    with tempfile.TemporaryDirectory() as folder:
        loaded = LoadedPrompts(prompts, prompt_set)
        run = start_collected_run(
            Path(folder), "speed", loaded=loaded, decoding=Decoding(max_tokens=max_tokens), urls=urls
        )
        options = CollectOptions(concurrency=IN_FLIGHT // 2)
        summary = collect(run, urls, options=options, say=lambda line: None)
        assert summary.answered == 2 * len(prompts)
        return summary.answered / summary.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url", default="", help="a server that runs already, in place of one that only waits")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve())
        return
    warnings.simplefilter("ignore", DeprecationWarning)  # text-generation calls pydantic's deprecated .dict()
    clients: dict[str, Callable[[str, int], float]] = {
        "plain aiohttp": lambda url, n: asyncio.run(plain_aiohttp(url, n)),
        "ours: engine": lambda url, n: asyncio.run(our_engine(url, n)),
        "ours: collect": whole_collection,
        "text-generation": lambda url, n: asyncio.run(text_generation_client(url, n)),
        "huggingface_hub": lambda url, n: asyncio.run(hub_client(url, n)),
    }
    if arguments.url:
        model = asyncio.run(model_at(arguments.url))
        clients = {
            "plain aiohttp": lambda url, n: asyncio.run(plain_aiohttp(url, n, SHORT, model)),
            "ours: engine": lambda url, n: asyncio.run(our_engine(url, n, SHORT)),
            "ours: collect": lambda url, n: whole_collection(url, n, SHORT),
        }
    rates: dict[str, list[float]] = {name: [] for name in clients}
    with contextlib.nullcontext(arguments.url) if arguments.url else served() as url:
        for _ in range(arguments.rounds):
            for name, measure in clients.items():
                rates[name].append(measure(url, arguments.requests))
    show({name: statistics.median(found) for name, found in rates.items()}, rates, ideal=not arguments.url)


async def model_at(url: str) -> str:
    async with connect(url) as engine:
        return engine.info.model_id


def show(medians: dict[str, float], rates: dict[str, list[float]], *, ideal: bool) -> None:
    ours = medians["ours: collect"]
    print((f"ideal {IDEAL:.0f} requests/s; " if ideal else "") + f"median of {len(rates['ours: collect'])} rounds")
    for name, median in medians.items():
        low, high = min(rates[name]), max(rates[name])
        share = f"  {median / IDEAL:4.0%} of the ideal" if ideal else ""
        print(
            f"{name:16} {median:6.1f}/s ({low:.1f} to {high:.1f}){share}  collect is {ours / median:.2f} times as fast"
        )


if __name__ == "__main__":
    main()
