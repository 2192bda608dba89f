"""Traps of a real TGI that reach a collection, as it was recorded in them.

Overload and validation errors that come inside a stream which says 200 are not among them: answers are never streamed
(tests/collect/test_engines.py holds each request to `stream: false`). One that can't batch is in test_trouble.py.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from eval.answers import read_answers
from eval.collect.engines.connect import Address
from eval.errors import EngineError, EngineUnreachable
from eval.records import Side
from tests.collect.runs import gather, new_run, urls_of
from tests.collect.servers import Tgi, tgi
from tests.support import ROOT


def recorded(group: str, status: int) -> list[dict[str, Any]]:
    lines = (ROOT / "tests" / "data" / "tgi" / "exchanges.jsonl").read_text(encoding="utf-8").splitlines()
    exchanges = [exchange for exchange in map(json.loads, lines) if exchange["group"] == group]
    return [exchange["response"] for exchange in exchanges if exchange["response"]["status"] == status]


@contextmanager
def losing_its_shard(server: Tgi, after: int) -> Iterator[Tgi]:
    """A server whose shard dies after so many answers: 424 with what was recorded, and soon nobody listens."""
    deaths = recorded("killed", 424)
    assert len(deaths) == 2
    dying, told = threading.Event(), itertools.count()

    async def die(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        if server.answered.total() < after:
            return None
        times = next(told)
        if times == 3:
            dying.set()
        response = deaths[min(times, 1)]
        return web.json_response(response["body"], status=response["status"])

    server.trouble = die
    with ExitStack() as life:
        life.enter_context(tgi(server))

        def end() -> None:
            dying.wait(60)
            life.close()

        launcher = threading.Thread(target=end)
        launcher.start()
        yield server
        dying.set()
        launcher.join()


def test_a_shard_that_dies_ends_the_run_in_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    with tgi(Tgi("tuned", delay=0.01)) as tuned:
        with losing_its_shard(Tgi("base"), after=10) as base:
            run = new_run(tmp_path, urls_of(base, tuned), count=200)
            with pytest.raises(EngineUnreachable, match=r"cannot connect to .*, so the run ends here"):
                gather(run, urls_of(base, tuned))
        answers = read_answers(run.responses_path)
        assert sum(side == "base" for _, side in answers.responses) == base.answered.total()
        with tgi(Tgi("base")) as again:
            summary, _ = gather(run, urls_of(again, tuned))
    assert (summary.already, summary.failed) == (len(answers.responses), 0)
    assert max((base.answered + again.answered).values()) == 1


def test_a_shard_that_dies_is_not_missed_where_there_is_another_replica(tmp_path: Path) -> None:
    with tgi(Tgi("m", delay=0.01)) as lives, tgi(Tgi("tuned")) as tuned, losing_its_shard(Tgi("m"), after=10) as dies:
        urls: dict[Side, Address] = {"base": [dies.url, lives.url], "tuned": tuned.url}
        run = new_run(tmp_path, urls, count=100)
        summary, said = gather(run, urls)
        assert (summary.answered, summary.failed) == (200, 0)
    losses = [line for line in said if line.startswith("base: replica left out, 1 of 2 in use: ")]
    assert dies.url in losses[0]
    assert max((dies.answered + lives.answered).values()) == 1


def test_a_missing_key_has_an_empty_body_and_is_told_before_twenty_prompts_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [response for response in recorded("apikey", 401) if not response["headers"]]
    assert {response["body"] for response in refusals} == {""}

    async def locked(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return web.Response(status=401) if request.headers.get("Authorization") != "Bearer sesame" else None

    with tgi(Tgi("base", trouble=locked)) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=50)
        with pytest.raises(EngineError, match=r"refuses access \(401\): set BLINDSIDE_API_KEY to a valid key"):
            gather(run, urls_of(base, tuned))
        assert base.asked.total() <= 4
        monkeypatch.setenv("BLINDSIDE_API_KEY", "sesame")
        summary, _ = gather(run, urls_of(base, tuned))
        assert summary.failed == 0
    assert len(read_answers(run.responses_path).responses) == 100
