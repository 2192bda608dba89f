"""What a server on a shared machine must bear: a taken port, odd numbers, and bodies of two megabytes."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from compose.embedded.preflight import bind, listen
from compose.errors import PortTaken
from compose.stack import healthy
from tests.compose.servers import MODEL, need_train, serve
from tests.support import ROOT, free_port
from tests.warm.warm import train_python

LONG = "The harbour was quiet that morning, and čaša. " * 36_000


@dataclass(frozen=True)
class Server:
    port: int

    @classmethod
    def at(cls, url: str) -> Server:
        return cls(int(url.rpartition(":")[2]))

    def tokens(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """The tokens of an answer of /generate."""
        details = json.loads(self.post("/generate", json.dumps(body).encode())[1])["details"]
        return list(details["tokens"])

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def start(port: int) -> subprocess.Popen[str]:
    command = [str(train_python()), "-P", "-m", "compose.embedded", "--model-id", str(MODEL), "--port", str(port)]
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
            yield Server(port)
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
#: What stands for a number where one belongs, and how it is refused: 400 what is not JSON, 422 what is no such number.
NUMBERS: dict[bytes, set[int]] = {
    DIGITS: {400, 422},
    b"1e999": {400, 422},
    b"1e" + DIGITS: {400, 422},
    b"NaN": {400},
    b"Infinity": {400},
    b"-Infinity": {400},
    b"nan": {400},
    b"[" * 100_000: {400},
    b'"' + DIGITS + b'"': {422},
    b"true": {422},
    b"18446744073709551616": {422},
    b"-3000000000": {422},
}


@pytest.mark.train
@pytest.mark.parametrize("field", ["max_new_tokens", "seed", "top_p", "top_k"])
@pytest.mark.parametrize("number", NUMBERS, ids=[name[:20].decode() for name in NUMBERS])
def test_a_number_that_is_none_is_refused(number: bytes, field: str, server: Server) -> None:
    limit = b"" if field == "max_new_tokens" else b'"max_new_tokens": 1, '
    status, text = server.post(
        "/generate", b'{"inputs": "a", "parameters": {%s"%s": %s}}' % (limit, field.encode(), number)
    )
    assert status in NUMBERS[number]
    assert len(text) < 400


#: Bodies that TGI refuses with 400 or 422, in plain text.
REFUSED = {
    b'{"inputs": "x",}': 400,
    b'{"inputs": "x"': 400,
    b'{"inputs": "x"} {}': 400,
    b'{"inputs": "\\ud800"}': 400,
    b'{"inputs": "\\ud83d\\u0041"}': 400,
    b'{"inputs": "\xff"}': 400,
    b"": 400,
    b"[]": 422,
    b'{"inputs": true}': 422,
    b'{"inputs": ["x"]}': 422,
    b'{"inputs": "x", "parameters": {"details": 1}}': 422,
    b'{"inputs": "x", "parameters": {"stop": ["a", 1]}}': 422,
    b'{"inputs": "x", "parameters": {"max_new_tokens": 1.0}}': 422,
}


@pytest.mark.train
@pytest.mark.parametrize("body", REFUSED)
def test_a_wrong_body_is_refused_in_plain_text(body: bytes, server: Server) -> None:
    status, text = server.post("/generate", body)
    assert status == REFUSED[body], text
    assert text.startswith(b"Failed to ")


CHANCE = [{"top_k": 1}, {"top_k": 3}, {"top_p": 0.05}, {"top_k": 1, "top_p": 0.5, "temperature": 3.0}]


@pytest.mark.train
@pytest.mark.parametrize("given", CHANCE)
def test_top_tokens_are_the_possible_ones_and_never_the_vocabulary(given: dict[str, float], server: Server) -> None:
    parameters = given | {"max_new_tokens": 3, "top_n_tokens": 5, "details": True, "seed": 1}
    body = json.dumps({"inputs": "Hello", "parameters": parameters}).encode()
    details = json.loads(server.post("/generate", body)[1])["details"]
    for chosen, top in zip(details["tokens"], details["top_tokens"], strict=True):
        assert 1 <= len(top) <= min(5, given.get("top_k", 5))
        assert chosen["id"] in {one["id"] for one in top}
        assert all(one["logprob"] is not None for one in top)


@pytest.mark.train
def test_a_chats_top_logprobs_beside_top_p_are_at_most_as_many_as_asked_for(server: Server) -> None:
    chat = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3, "logprobs": True, "top_logprobs": 5}
    status, raw = server.post("/v1/chat/completions", json.dumps(chat | {"top_p": 0.1, "seed": 1}).encode())
    assert status == 200
    content = json.loads(raw)["choices"][0]["logprobs"]["content"]
    assert all(1 <= len(one["top_logprobs"]) <= 5 for one in content)


@pytest.mark.train
def test_special_is_what_tokenizer_json_says(tmp_path: Path) -> None:
    """transformers lists only the special tokens that have a role; tokenizer.json may flag others, or not flag one."""
    need_train()
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    file = folder / "tokenizer.json"
    words = json.loads(file.read_text(encoding="utf-8"))
    greedy = {"inputs": "Question: Who are you?\nAnswer:", "parameters": {"max_new_tokens": 4, "details": True}}
    flagged = {one["id"]: one["special"] for one in words["added_tokens"]}
    with serve(["--model-id", str(folder)], cwd=tmp_path) as [url]:
        tokens = Server.at(url).tokens(greedy)
    assert not any(flagged.get(one["id"], False) for one in tokens)
    first = tokens[0]
    text = next(word for word, number in words["model"]["vocab"].items() if number == first["id"])
    mark = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    words["added_tokens"].append({"id": first["id"], "content": text} | mark)
    file.write_text(json.dumps(words), encoding="utf-8")
    with serve(["--model-id", str(folder)], cwd=tmp_path) as [url]:
        again = Server.at(url).tokens(greedy)
    assert (again[0]["id"], again[0]["special"]) == (first["id"], True)


CHAT = {"messages": [{"role": "user", "content": LONG}]}
#: Bodies just below the limit that take long: to tokenize, to render, and to answer.
HEAVY = {
    "a long text": ("/tokenize", json.dumps({"inputs": LONG}, ensure_ascii=False).encode(), 200),
    "a long prompt": ("/generate", json.dumps({"inputs": LONG}, ensure_ascii=False).encode(), 422),
    "a long chat": ("/chat_tokenize", json.dumps(CHAT, ensure_ascii=False).encode(), 200),
    "escapes": ("/generate", b'{"inputs": "' + rb"\n" * 990_000 + b'"}', 422),
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
