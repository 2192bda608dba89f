"""A collection: all answers, each asked once; what fails is a Failure, what is gone ends it, and nothing is lost."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from eval.answers import read_answers
from eval.collect.collector import CollectOptions, collect
from eval.errors import EngineError, EngineUnreachable, RunError
from eval.records import SIDES, sha256_text
from eval.run import open_run
from tests.collect import servers
from tests.collect.runs import FAST, gather, new_run, urls_of
from tests.collect.servers import Tgi, tgi
from tests.support import free_port


def test_every_prompt_is_asked_once_of_both_and_all_is_written_down(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=30)
        summary, said = gather(run, urls_of(base, tuned))
    assert (summary.asked, summary.answered, summary.failed, summary.already) == (60, 60, 0, 0)
    assert set(base.asked.values()) == set(tuned.asked.values()) == {1}
    answers = read_answers(run.responses_path)
    for prompt in run.prompts():
        for side, server in zip(SIDES, (base, tuned), strict=True):
            row = answers.responses[prompt.id, side]
            assert row.text == server.say(prompt.messages[0].content)
            assert (row.messages, row.category, row.finish_reason) == (prompt.messages, "facts", "stop")
            assert (row.prompt_tokens, row.completion_tokens, row.sha256) == (16, 8, sha256_text(row.text))
    assert said[-1].startswith("60 answers in ")


def test_run_json_is_complete_and_ends_with_times_and_counts(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned))
        gather(run, urls_of(base, tuned))
    info = open_run(tmp_path / "reports", "first").info
    assert info.models["tuned"].model_dump(exclude={"served"}) == {
        "name": "tuned",
        "source": "tuned",
        "revision": "sha-of-tuned",
        "weights_sha256": None,
        "template_sha256": None,
        "url": tuned.url,
    }
    assert info.models["base"].served["max_total_tokens"] == 1024
    assert info.engine == "text-generation-inference 3.3.6-dev0"
    assert (info.decoding.temperature, info.decoding.max_tokens) == (0, 64)
    assert info.prompt_set.source.endswith("prompts.jsonl")
    assert {"commit", "dirty"} == set(info.code)
    assert {"blindside", "python", "text-generation", "gradio"} <= set(info.versions)
    assert info.counts == {"asked": 6, "answered": 6, "failed": 0}
    assert info.times["started"] <= info.times["collecting_since"] <= info.times["collected"]


def test_both_sides_are_asked_at_once_and_neither_more_than_allowed(tmp_path: Path) -> None:
    both = threading.Barrier(2)

    async def meet(request: web.Request, text: str, nth: int) -> None:
        if text == "Question 0?":
            import asyncio

            await asyncio.to_thread(both.wait, 10)

    with tgi(Tgi("base", delay=0.01, trouble=meet)) as base, tgi(Tgi("tuned", delay=0.01, trouble=meet)) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=40)
        summary, _ = gather(run, urls_of(base, tuned), replace(FAST, timeout=15))
    assert summary.answered == 80
    assert (base.most_in_flight, tuned.most_in_flight) == (4, 4)


def test_a_server_gets_no_more_at_once_than_it_takes(tmp_path: Path) -> None:
    with tgi(Tgi("base", delay=0.01, info={"max_concurrent_requests": 2})) as base, tgi(Tgi("tuned")) as tuned:
        gather(new_run(tmp_path, urls_of(base, tuned), count=20), urls_of(base, tuned))
    assert base.most_in_flight == 2


def test_both_sides_get_the_same_length_even_if_only_one_has_a_short_context(tmp_path: Path) -> None:
    short = {"max_total_tokens": 100, "max_input_tokens": 99}
    with tgi(Tgi("base", info=short)) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), max_tokens=512)
        gather(run, urls_of(base, tuned))
    given = {body["max_tokens"] for server in (base, tuned) for body in server.bodies}
    assert given == {100 - servers.TEMPLATE_TOKENS - 2}


def test_what_is_answered_is_not_asked_again(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=10)
        gather(run, urls_of(base, tuned))
        lines = run.responses_path.read_bytes().splitlines(keepends=True)
        run.responses_path.write_bytes(b"".join(lines[:13]) + lines[13][:40])  # as a power cut leaves it
        summary, said = gather(run, urls_of(base, tuned))
        again, _ = gather(run, urls_of(base, tuned))
    assert (summary.asked, summary.answered, summary.already) == (7, 7, 13)
    assert "13 answers are there already, 7 are asked for" in said
    assert (again.asked, again.already) == (0, 20)
    assert base.asked.total() + tuned.asked.total() == 27
    assert len(read_answers(run.responses_path).responses) == 20
    assert len(list(run.folder.glob("responses.jsonl.torn-*"))) == 1


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
    (servers.always(lambda: web.Response(text="garbage")), "answered 'garbage' where a completion belongs", 200, 3),
    (servers.always(lambda: web.Response(text="<html>hi")), "answered a web page where a completion belongs", 200, 3),
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
        assert lines[-2:] == ["1 answers are missing:", f"  p1 (base, {tries} tries): {failure.error}"]
        assert open_run(tmp_path / "reports", "first").info.counts == {"asked": 10, "answered": 9, "failed": 1}
        base.trouble = None
        second, _ = gather(run, urls_of(base, tuned))
    assert (second.asked, second.answered, second.failed) == (1, 1, 0)
    assert read_answers(run.responses_path).failures == {}


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
    assert base.asked.total() == 12 + 3


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
    assert tuned.asked.total() <= 4


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
        with pytest.raises(EngineUnreachable, match=f"nobody answers at {url}"):
            gather(run, {"base": base.url, "tuned": url})
    assert not base.asked
    assert not run.responses_path.exists()


def test_the_second_collector_is_refused_and_asks_nothing(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned))
        with run.writing(), pytest.raises(RunError, match="is being collected by another process"):
            gather(run, urls_of(base, tuned))
    assert not base.asked


def test_a_disk_that_refuses_is_told_and_keeps_what_was_written(tmp_path: Path) -> None:
    with tgi(Tgi("base" * 200, delay=0.01)) as base, tgi(Tgi("tuned", delay=0.01)) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=100)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, limits[1]))
        try:
            with pytest.raises(RunError, match=r"responses\.jsonl: can't be written \(.*\): make room and start again"):
                gather(run, urls_of(base, tuned))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        kept = len(read_answers(run.responses_path).responses)
        summary, _ = gather(run, urls_of(base, tuned))
    assert 0 < kept < 200
    assert (summary.already, summary.answered) == (kept, 200 - kept)
    assert list(run.folder.glob("*.torn-*")) == []


def test_ctrl_c_ends_quickly_and_keeps_what_came(tmp_path: Path) -> None:
    async def slow_from_ten(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        if base.answered.total() >= 10:
            os.kill(os.getpid(), signal.SIGINT)
            return await servers.hang(request, text, nth)
        return None

    with tgi(Tgi("base", trouble=slow_from_ten)) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=40)
        with pytest.raises(KeyboardInterrupt):
            gather(run, urls_of(base, tuned), replace(FAST, concurrency=1, timeout=600))
    answers = read_answers(run.responses_path)
    assert sum(side == "base" for _, side in answers.responses) == 10
    assert open_run(tmp_path / "reports", "first").info.counts["answered"] == len(answers.responses)


def test_progress_is_told_in_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    options = replace(CollectOptions(), concurrency=2, tell_every=0.0, check_every=0.01)
    with tgi(Tgi("base", delay=0.02)) as base, tgi(Tgi("tuned", delay=0.02)) as tuned:
        _, said = gather(new_run(tmp_path, urls_of(base, tuned), count=10), urls_of(base, tuned), options)
    told = [line for line in said if line.startswith("base ") and "answers/s" in line]
    assert told
    assert all("/10 · tuned " in line and line.endswith(" left") for line in told)
