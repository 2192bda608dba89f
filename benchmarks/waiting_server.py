"""A server that answers like TGI after a delay and does nothing else, so that a benchmark measures who asks it."""

from __future__ import annotations

import asyncio
import json

#: Seconds before an answer.
DELAY = 0.05
TEXT = "The capital of Portugal is Lisbon, which lies on the Tagus and has been the seat of government for centuries."


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


def texts_of(count: int) -> list[str]:
    return [f"Question {number}: which city is the capital of Portugal, and since when?" for number in range(count)]
