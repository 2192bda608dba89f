"""What a server sends is read within bounds: an answer that is too large is one prompt's failure."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from eval.answers import read_answers
from eval.errors import EngineError, EngineRejected, TimedOut
from tests.collect import servers
from tests.collect.asks import ask
from tests.collect.runs import gather, new_run, prompt_file, urls_of
from tests.collect.servers import Tgi, tgi
from tests.peak import measured

ZEROS = bytes(2**20)
BOMBED = "Question 1?"


def gzip_bomb(megabytes: int = 200) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([packer.compress(ZEROS) for _ in range(megabytes)] + [packer.flush()])


def packed(name: str, body: bytes) -> Callable[[], web.Response]:
    return lambda: web.Response(body=body, headers={"Content-Encoding": name})


async def endless(request: web.Request, text: str, nth: int) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(ZEROS)


async def endless_gzip(request: web.Request, text: str, nth: int) -> web.StreamResponse:
    """Empty members of gzip without end: nothing ever comes out of them."""
    response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
    await response.prepare(request)
    while True:
        await response.write(gzip.compress(b"") * 1000)


async def dripping(request: web.Request, text: str, nth: int) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.01)


def only(bombed: str, trouble: servers.Trouble) -> servers.Trouble:
    async def some(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return await trouble(request, text, nth) if text == bombed else None

    return some


LARGE = "answered more than 32 MB, so it was not read to its end: allow more with --max-answer-mb"
TROUBLES: list[tuple[str, Callable[[], servers.Trouble], type[EngineError], str]] = [
    ("gzip", lambda: servers.always(packed("gzip", gzip_bomb())), EngineRejected, LARGE),
    ("deflate", lambda: servers.always(packed("deflate", zlib.compress(ZEROS * 200, 9))), EngineRejected, LARGE),
    ("plain", lambda: servers.always(lambda: web.Response(body=ZEROS * 40)), EngineRejected, LARGE),
    ("without end", lambda: endless, EngineRejected, LARGE),
    ("members without end", lambda: endless_gzip, EngineError, "can't be unpacked (something follows its end)"),
    ("an error", lambda: servers.always(lambda: web.Response(status=500, body=ZEROS * 40)), EngineRejected, LARGE),
    (
        "brotli",
        lambda: servers.always(packed("br", b"\x0b\x02\x80{}\n\x03")),
        EngineError,
        "packs its answers as 'br', which was not requested: turn compression off there",
    ),
    ("zstd", lambda: servers.always(packed("zstd", b"(\xb5/\xfd")), EngineError, "packs its answers as 'zstd'"),
    ("not gzip", lambda: servers.always(packed("gzip", b"{}")), EngineError, "that can't be unpacked (Error -3"),
    ("half", lambda: servers.always(packed("gzip", gzip.compress(b"{}")[:15])), EngineError, "(it ends too early)"),
    ("slow", lambda: dripping, TimedOut, "gave no answer within 1 s"),
]


@pytest.mark.parametrize(("trouble", "kind", "said"), [row[1:] for row in TROUBLES], ids=[row[0] for row in TROUBLES])
async def test_each_is_one_sentence(trouble: Callable[[], servers.Trouble], kind: type[EngineError], said: str) -> None:
    with tgi(Tgi(trouble=trouble())) as server, pytest.raises(EngineError) as caught:
        await ask(server.url, seconds=1.0 if kind is TimedOut else 30.0)
    assert type(caught.value) is kind
    assert said in str(caught.value)


async def test_what_is_packed_all_the_same_is_understood() -> None:
    for name, pack in (("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)):
        body = pack(json.dumps(servers.completion("m", "packed " * 100_000)).encode())
        with tgi(Tgi(trouble=servers.always(packed(name, body)))) as server:
            assert (await ask(server.url, seconds=30.0)).text == "packed " * 100_000


def test_a_large_answer_is_its_prompts_failure_and_asked_for_once(tmp_path: Path) -> None:
    bombing = Tgi(trouble=only(BOMBED, servers.always(packed("gzip", gzip_bomb(64)))))
    with tgi(bombing) as base, tgi(Tgi()) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned))
        summary, _ = gather(run, urls_of(base, tuned))
    assert (summary.answered, summary.failed) == (5, 1)
    assert bombing.asked[BOMBED] == 1
    (failure,) = read_answers(run.responses_path).failures.values()
    assert (failure.prompt_id, failure.attempts) == ("p1", 1)
    assert LARGE in failure.error


def test_a_bomb_takes_no_memory_and_the_dial_is_obeyed(tmp_path: Path) -> None:
    prompts = prompt_file(tmp_path, 3)
    bombing = Tgi(trouble=only(BOMBED, servers.always(packed("gzip", gzip_bomb(800)))))
    with tgi(bombing) as base, tgi(Tgi()) as tuned:
        urls = ("--base-url", base.url, "--tuned-url", tuned.url)
        collect = ("collect", *urls, "--prompts", prompts.name, "--run", "r", "--max-answer-mb", "8")
        ran = measured([sys.executable, "-m", "eval.cli.main", *collect], cwd=tmp_path)
    assert ran.code == 1
    assert "answered more than 8 MB" in ran.out
    assert "1 answer is missing" in ran.err
    assert ran.megabytes < 400


def test_a_count_without_measure_is_no_count(tmp_path: Path) -> None:
    answer = json.dumps(servers.completion("m", "yes")).replace('"prompt_tokens": 16', '"prompt_tokens": 1' + "0" * 25)
    lying = Tgi(trouble=servers.always(lambda: web.Response(text=answer, content_type="application/json")))
    with tgi(lying) as base, tgi(Tgi()) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned))
        summary, _ = gather(run, urls_of(base, tuned))
    assert summary.failed == 0
    assert {answer.prompt_tokens for answer in read_answers(run.responses_path).responses.values()} == {None, 16}
