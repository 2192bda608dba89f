"""Servers that fail: for a while, for one prompt, or for good. Nothing that came is lost, and each is one sentence."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from blindside.words import counted
from eval.answers import read_answers
from eval.collect.collector import collect
from eval.errors import EngineError, EngineUnreachable, RunError
from eval.records import SIDES
from eval.run import open_run
from tests.collect import servers
from tests.collect.runs import FAST, gather, new_run, urls_of
from tests.collect.servers import Tgi, tgi
from tests.support import free_port


@pytest.mark.parametrize(
    "first",
    [
        servers.at_first(1, lambda: web.Response(status=429, headers={"Retry-After": "0"})),
        servers.at_first(2, lambda: web.Response(status=500)),
        servers.at_first(2, lambda: web.Response(text="<html>starting")),
        servers.at_first(1, lambda: web.Response(status=503)),
    ],
)
def test_trouble_that_passes_loses_nothing(tmp_path: Path, first: servers.Trouble) -> None:
    with tgi(Tgi("base", trouble=first)) as base, tgi(Tgi("tuned")) as tuned:
        summary, said = gather(new_run(tmp_path, urls_of(base, tuned)), urls_of(base, tuned))
    assert (summary.answered, summary.failed) == (6, 0)
    assert sum(line.endswith("; trying again") for line in said) == 1


def test_time_outs_that_are_tried_again_are_told_with_the_dial_and_again_where_they_go_on(tmp_path: Path) -> None:
    async def slow_at_first(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return await servers.hang(request, text, nth) if nth == 0 else None

    with tgi(Tgi("base", trouble=slow_at_first)) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=12)
        summary, said = gather(run, urls_of(base, tuned), replace(FAST, timeout=0.3, concurrency=12))
    assert summary.failed == 0
    told = [line for line in said if line.endswith("; trying again")]
    first = f"base: {base.url} gave no answer within 0.3 s: a slow server needs a longer --timeout (TIMEOUT=)"
    assert [line.startswith(first) for line in told] == [True, True]
    assert "(10 times so far)" in told[1]


def test_a_connection_that_breaks_is_made_again(tmp_path: Path) -> None:
    async def first_breaks(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return await (servers.close_midway if nth == 0 else servers.hang_up)(request, text, nth) if nth < 2 else None

    with tgi(Tgi("base", trouble=first_breaks)) as base, tgi(Tgi("tuned")) as tuned:
        summary, _ = gather(new_run(tmp_path, urls_of(base, tuned)), urls_of(base, tuned))
    assert summary.answered == 6
    assert set(base.asked.values()) == {3}


def test_retry_after_is_waited_for(tmp_path: Path) -> None:
    busy = servers.at_first(1, lambda: web.Response(status=429, headers={"Retry-After": "0.5"}))
    with tgi(Tgi("base", trouble=busy)) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=1)
        summary, _ = gather(run, urls_of(base, tuned), replace(FAST, patience=30))
    assert summary.answered == 2
    assert summary.seconds >= 0.5


def test_a_wait_that_is_longer_than_our_patience_is_not_begun(tmp_path: Path) -> None:
    busy = servers.always(lambda: web.Response(status=429, headers={"Retry-After": "3600"}))
    with tgi(Tgi("base", trouble=busy)) as base, tgi(Tgi("tuned")) as tuned:
        summary, _ = gather(new_run(tmp_path, urls_of(base, tuned), count=1), urls_of(base, tuned))
    assert (summary.answered, summary.failed, base.asked.total()) == (1, 1, 1)


TROUBLES = [
    (servers.always(lambda: web.Response(status=500, text="boom")), "failed (500): 'boom'", 500, 3),
    (servers.always(lambda: web.Response(text="garbage")), "answered 'garbage'", 200, 3),
    (servers.always(lambda: web.Response(text="<html>hi")), "answered a web page", 200, 3),
    (servers.always(lambda: web.Response(status=422, text="no")), "refused the request (422): 'no'", 422, 1),
    (servers.hang, "gave no answer within 0.2 s", None, 3),
    (servers.close_midway, "broke before the answer was complete", None, 3),
    (servers.hang_up, "broke before the answer was complete", None, 3),
]


@pytest.mark.parametrize(("trouble", "said", "status", "tries"), TROUBLES)
def test_a_prompt_that_keeps_failing_is_told_at_the_end_and_asked_by_the_next_start(
    tmp_path: Path, trouble: servers.Trouble, said: str, status: int | None, tries: int
) -> None:
    async def one_fails(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return await trouble(request, text, nth) if text == "Question 1?" else None

    with tgi(Tgi("base", trouble=one_fails)) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=5)
        summary, lines = gather(run, urls_of(base, tuned), replace(FAST, timeout=0.2))
        assert (summary.answered, summary.failed) == (9, 1)
        [failure] = read_answers(run.responses_path).failures.values()
        assert (failure.prompt_id, failure.side, failure.status, failure.attempts) == ("p1", "base", status, tries)
        assert said in failure.error
        assert lines[-2:] == ["1 answer is missing:", f"  p1 (base, {counted(tries, 'try', 'tries')}): {failure.error}"]
        assert open_run(tmp_path / "reports", "first").info.counts == {"asked": 10, "answered": 9, "failed": 1}
        base.trouble = None
        if status == 422:  # refused: asked again where that is said
            assert gather(run, urls_of(base, tuned))[0].asked == 0
        second, _ = gather(run, urls_of(base, tuned), replace(FAST, retry_failed=status == 422))
    assert (second.asked, second.answered, second.failed) == (1, 1, 0)
    assert read_answers(run.responses_path).failures == {}


def test_a_collection_without_headway_says_why(tmp_path: Path) -> None:
    with tgi(Tgi("base", delay=1.0)) as base, tgi(Tgi("tuned")) as tuned:
        options = replace(FAST, timeout=30.0, concurrency=2, quiet_after=0.2, check_every=0.05)
        _, lines = gather(new_run(tmp_path, urls_of(base, tuned), count=1), urls_of(base, tuned), options)
    [first, *_] = [line for line in lines if line.startswith("nothing was answered for ")]
    assert "of 2 requests at once to each side that may take 30 s each: a slow server needs a lower" in first


def test_a_busy_server_uses_up_patience_not_attempts(tmp_path: Path) -> None:
    busy = servers.at_first(12, lambda: web.Response(status=429))
    with tgi(Tgi("base", trouble=busy)) as base, tgi(Tgi("tuned")) as tuned:
        options = replace(FAST, patience=30, attempts=1)
        summary, _ = gather(new_run(tmp_path, urls_of(base, tuned), count=1), urls_of(base, tuned), options)
    assert (summary.answered, base.asked.total()) == (2, 13)


def test_a_server_that_stays_busy_fails_its_prompts(tmp_path: Path) -> None:
    with (
        tgi(Tgi("base", trouble=servers.always(lambda: web.Response(status=429)))) as base,
        tgi(Tgi("tuned")) as tuned,
    ):
        summary, _ = gather(new_run(tmp_path, urls_of(base, tuned)), urls_of(base, tuned))
    assert (summary.answered, summary.failed) == (3, 3)


def test_a_server_that_cannot_batch_is_asked_one_by_one(tmp_path: Path) -> None:
    server = Tgi("base", delay=0.02)
    error = "Request failed during generation: The `past_key_values` should be either a `Cache` object or `None`"

    async def alone(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        crowded = server.in_flight > 1
        return web.json_response({"error": error, "error_type": "generation"}, status=424) if crowded else None

    server.trouble = alone
    with tgi(server) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=12)
        summary, said = gather(run, urls_of(base, tuned), replace(FAST, attempts=2))
    assert summary.answered == 24
    assert said.count("base: this server can't take two requests at once, so it gets them one by one") == 1
    # Those that were on their way when the first was refused, and none after that.
    assert 12 < base.asked.total() <= 12 + FAST.concurrency


def test_a_server_that_dies_ends_the_run_in_one_sentence_and_keeps_what_came(tmp_path: Path) -> None:
    async def dead_after_ten(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return await servers.hang_up(request, text, nth) if base.answered.total() >= 10 else None

    with tgi(Tgi("base", trouble=dead_after_ten)) as base, tgi(Tgi("tuned", delay=0.01)) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=400)
        with pytest.raises(EngineUnreachable) as caught:
            gather(run, urls_of(base, tuned))
        text = str(caught.value)
        assert "the last 20 prompts failed like this, so the run ends here" in text
        assert "\n" not in text
        answers = read_answers(run.responses_path)
        kept = {side: [key for key in answers.responses if key[1] == side] for side in SIDES}
        assert len(kept["base"]) == base.answered.total()
        assert 0 < len(kept["tuned"]) <= tuned.answered.total()
        assert len(answers.failures) < 30
        counts = open_run(tmp_path / "reports", "first").info.counts
        assert counts["answered"] == len(answers.responses)
        base.trouble = None
        summary, _ = gather(run, urls_of(base, tuned))
    assert (summary.failed, summary.already) == (0, len(answers.responses))
    assert set(base.answered.values()) == {1}


@pytest.mark.parametrize("status", [401, 404])
def test_an_address_that_is_wrong_ends_the_run_at_once(tmp_path: Path, status: int) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=50)
        tuned.trouble = servers.always(lambda: web.Response(status=status))
        with pytest.raises(EngineError, match=rf"^{tuned.url} .*\({status}\)"):
            gather(run, urls_of(base, tuned))
    assert tuned.asked.total() <= 5  # one word more where that may tell whose refusal it is


def test_what_check_raises_ends_the_run_and_says_the_cause(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned", trouble=servers.hang)) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=50)

        def check() -> None:
            if base.answered.total() == 50:
                raise RuntimeError("tuned: the server ended with exit code -9")

        with pytest.raises(RuntimeError, match="ended with exit code -9"):
            collect(run, urls_of(base, tuned), options=FAST, check=check, say=lambda line: None)
    assert len(read_answers(run.responses_path).responses) == 50


def test_check_is_asked_when_a_connection_fails(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned", trouble=servers.hang_up)) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=1)
        calls: list[float] = []

        def check() -> None:
            calls.append(time.monotonic())
            if tuned.asked:
                raise RunError("tuned died: see its log")

        with pytest.raises(RunError, match="tuned died"):
            collect(run, urls_of(base, tuned), options=replace(FAST, check_every=600), check=check, say=print)
    assert tuned.asked.total() == 1


def test_nobody_at_the_address_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned))
        with pytest.raises(EngineUnreachable, match=f"cannot connect to {url}"):
            gather(run, {"base": base.url, "tuned": url})
    assert not base.asked
    assert not run.responses_path.exists()
