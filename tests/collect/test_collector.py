"""A collection: all answers, each asked once; what fails is a Failure, what is gone ends it, and nothing is lost."""

from __future__ import annotations

import os
import resource
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from eval.answers import read_answers
from eval.collect.collect_options import CollectOptions
from eval.errors import RunError
from eval.records import SIDES, sha256_text
from eval.run import open_run
from eval.run_info import Decoding
from tests.collect import servers
from tests.collect.runs import FAST, gather, new_run, urls_of
from tests.collect.servers import Tgi, tgi


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
        "tokens": None,
        "training": (),
        "name": "tuned",
        "source": "tuned",
        "revision": "sha-of-tuned",
        "weights_sha256": None,
        "template_sha256": None,
        "config_sha256": None,
        "generation_config_sha256": None,
        "url": tuned.url,
    }
    assert info.models["base"].served["max_total_tokens"] == 1024
    assert info.engine == "text-generation-inference 3.3.6-dev0"
    assert info.decoding == Decoding(max_tokens=64)
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
    assert "13 answers already collected, 7 to collect" in said
    assert (again.asked, again.already) == (0, 20)
    assert base.asked.total() + tuned.asked.total() == 27
    assert len(read_answers(run.responses_path).responses) == 20
    assert len(list(run.folder.glob("responses.jsonl.torn-*"))) == 1


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
