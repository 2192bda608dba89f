"""What a server on a shared machine must bear: a taken port, odd numbers, and bodies of two megabytes."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compose.embedded import schema
from compose.embedded.early import bind, listen
from compose.embedded.serde import JsonError, Reader
from compose.errors import PortTaken
from compose.stack import healthy
from tests.compose.servers import MODEL, need_train
from tests.support import ROOT, TRAIN_PYTHON, free_port

LONG = "The harbour was quiet that morning, and čaša. " * 36_000


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    port: int

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def megabytes(self) -> int:
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return int(lines["VmRSS"].split()[0]) // 1024


def start(port: int) -> subprocess.Popen[str]:
    command = [str(TRAIN_PYTHON), "-P", "-m", "compose.embedded", "--model-id", str(MODEL), "--port", str(port)]
    env = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    need_train()
    port = free_port()
    process = start(port)
    with process:
        try:
            while not healthy(f"http://127.0.0.1:{port}"):
                assert process.poll() is None
                time.sleep(0.1)
            yield Server(process, port)
        finally:
            process.kill()


def test_of_two_that_are_bound_only_one_listens() -> None:
    first = bind("127.0.0.1", 0)
    port = first.getsockname()[1]
    with first, bind("127.0.0.1", port) as second:
        listen(first, "127.0.0.1")
        with pytest.raises(PortTaken) as caught:
            listen(second, "127.0.0.1")
    said = f"cannot listen on 127.0.0.1:{port} (Address already in use): another program took the port while the model"
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith("choose another --port")


@pytest.mark.train
def test_two_servers_on_one_port_are_one_server_and_one_sentence() -> None:
    need_train()
    port = free_port()
    both = [start(port), start(port)]
    try:
        while all(process.poll() is None for process in both):
            time.sleep(0.1)
        ended, serving = sorted(both, key=lambda process: process.poll() is None)
        _, said = ended.communicate()
        assert ended.returncode == 1
        assert said.splitlines()[-1].startswith(f"error: cannot listen on 127.0.0.1:{port} (Address already in use)")
        assert "choose another --port" in said
        assert "Traceback" not in said
        assert serving.poll() is None
    finally:
        for process in both:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


DIGITS = b"1" * 5_000
RANGE, VALUE, NUMBER = b"number out of range", b"expected value", b"invalid number"
#: What stands for a number, in a field of each kind, and what is said of it.
NUMBERS: list[tuple[bytes, int, bytes]] = [
    (DIGITS, 400, RANGE),
    (b"-" + DIGITS, 400, RANGE),
    (DIGITS + b".5", 400, RANGE),
    (b"1e999", 400, RANGE),
    (b"1e" + DIGITS, 400, RANGE),
    (b"NaN", 400, VALUE),
    (b"Infinity", 400, VALUE),
    (b"-Infinity", 400, NUMBER),
    (b"nan", 400, b"expected ident"),
    (b"[" * 100_000, 422, b"invalid type: sequence"),
    (b'"' + DIGITS + b'"', 422, b"invalid type: string"),
    (b"18446744073709551616", 422, b"floating point"),
]


@pytest.mark.train
@pytest.mark.parametrize("field", ["max_new_tokens", "seed", "top_p", "unknown"])
@pytest.mark.parametrize(("number", "status", "said"), NUMBERS)
def test_a_number_that_is_none_is_refused_as_by_tgi(
    number: bytes, status: int, said: bytes, field: str, server: Server
) -> None:
    limit = b"" if field == "max_new_tokens" else b'"max_new_tokens": 1, '
    body = b'{"inputs": "a", "parameters": {%s"%s": %s}}' % (limit, field.encode(), number)
    got, text = server.post("/generate", body)
    if field == "top_p" and number.isdigit() and len(number) < 30:
        assert got == 422  # a float is what is asked for, and it is above 1
    elif field == "unknown" and status == 422:
        assert (got, b"recursion limit exceeded" in text) == ((400, True) if number[:1] == b"[" else (200, False))
    else:
        assert (got, said in text) == (status, True), text[:300]


SURROGATES = [rb"\ud800", rb"\udc00", rb"\ud800x", rb"\ud800\ud800", rb"\ud800\n", rb"\ud83d\u0041"]


@pytest.mark.parametrize("escape", SURROGATES)
def test_a_lone_surrogate_is_a_syntax_error(escape: bytes) -> None:
    with pytest.raises(JsonError, match=r"surrogate in hex escape|unexpected end of hex escape") as caught:
        schema.GENERATE.read(Reader(b'{"inputs": "' + escape + b'"}'))
    assert caught.value.syntax


CHAT = {"messages": [{"role": "user", "content": LONG}]}
MORE = b'{"inputs": "a", "parameters": {"max_new_tokens": 1}, "more": [' + b"1," * 900_000 + b"1]}"
#: Bodies just below the limit that take long: to read, to tokenize, to render, and to answer.
HEAVY = {
    "a long text": ("/tokenize", json.dumps({"inputs": LONG}, ensure_ascii=False).encode(), 200),
    "a long prompt": ("/generate", json.dumps({"inputs": LONG}, ensure_ascii=False).encode(), 422),
    "a long chat": ("/chat_tokenize", json.dumps(CHAT, ensure_ascii=False).encode(), 200),
    "escapes": ("/generate", b'{"inputs": "' + rb"\n" * 990_000 + b'"}', 422),
    "numbers": ("/generate", MORE, 200),
    "SageMaker": ("/invocations", MORE, 200),
}


@pytest.mark.train
@pytest.mark.parametrize("heavy", HEAVY)
def test_others_are_answered_while_a_heavy_body_is_worked_on(heavy: str, server: Server) -> None:
    path, body, status = HEAVY[heavy]
    assert 1_000_000 < len(body) <= 2_000_000
    got: list[int] = []
    asking = threading.Thread(target=lambda: got.append(server.post(path, body)[0]))
    asking.start()
    answered = 0
    while not got:
        assert healthy(f"http://127.0.0.1:{server.port}")
        answered += 1
    asking.join()
    assert got == [status]
    assert answered >= 10


@pytest.mark.train
def test_memory_is_given_back(server: Server) -> None:
    path, body, _ = HEAVY["a long text"]
    short = b'{"inputs": "a", "parameters": {"max_new_tokens": 1}}'
    assert server.post("/generate", short)[0] == 200
    before = server.megabytes()
    for _ in range(3):
        status, answer = server.post(path, body)
        assert (status, len(answer) > 20_000_000) == (200, True)
        del answer
    assert server.post("/generate", short)[0] == 200
    assert server.megabytes() - before < 150


@pytest.mark.train
def test_spans_are_the_same_for_short_and_long_texts(server: Server) -> None:
    """They are found in different ways; the text has characters of one, two, three and four bytes."""
    piece = "a čaša of 東京 🙂.\n"
    short, long = (
        json.loads(server.post("/tokenize", json.dumps({"inputs": piece * count}).encode())[1]) for count in (2, 4000)
    )
    assert long[: len(short)] == short
    data = (piece * 4000).encode()
    assert [data[one["start"] : one["stop"]].decode() for one in long if one["text"].isascii()] == [
        one["text"] for one in long if one["text"].isascii()
    ]
    assert long[-1]["stop"] == len(data)
