"""Asking again: the sample, the load it is asked under, and what counts as a changed answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from eval.collect.parity.determinism import check_determinism, choose_sample
from eval.errors import EngineUnreachable, RunError
from eval.records import Message, Prompt
from eval.run import Run
from tests.collect.runs import FAST, gather, new_run, urls_of
from tests.collect.servers import Tgi, completion, tgi


def _prompts(count: int) -> list[Prompt]:
    return [Prompt(id=f"p{n}", messages=(Message(role="user", content=f"{n}?"),)) for n in range(count)]


@pytest.mark.parametrize(("count", "asked"), [(3, 3), (5, 5), (80, 5), (100, 5), (101, 6), (400, 20)])
def test_a_twentieth_and_at_least_five_are_asked_again(count: int, asked: int) -> None:
    sample = choose_sample(_prompts(count), share=0.05, at_least=5, seed="run")
    assert len(sample) == asked


def test_the_sample_belongs_to_the_run() -> None:
    prompts = _prompts(200)
    first = choose_sample(prompts, share=0.05, at_least=5, seed="first")
    assert choose_sample(prompts[::-1], share=0.05, at_least=5, seed="first") == first
    assert choose_sample(prompts, share=0.05, at_least=5, seed="second") != first


def _flips(on: Callable[[str, int], bool]) -> Tgi:
    """A server that answers otherwise when `on` a text and its nth time."""

    async def trouble(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        return web.json_response(completion("model", f"another answer: {text}")) if on(text, nth) else None

    return Tgi("tuned", delay=0.02, trouble=trouble)


def _sampled(run: Run, count: int) -> list[str]:
    sample = choose_sample(run.prompts(), share=0.05, at_least=5, seed=run.name)
    return [prompt.messages[-1].content for prompt in sample[:count]]


def test_flips_under_load_and_alone_are_counted_apart_and_by_prompt(tmp_path: Path) -> None:
    flipping: dict[str, set[int]] = {}  # the first time is the collection, then under load, then alone
    with tgi(Tgi("base")) as base, tgi(_flips(lambda text, nth: nth in flipping.get(text, ()))) as tuned:
        urls = urls_of(base, tuned)
        run = new_run(tmp_path, urls, count=20)
        gather(run, urls)
        loaded, alone, both = _sampled(run, 3)
        flipping |= {loaded: {1}, alone: {2}, both: {1, 2}}
        kept = run.responses_path.read_bytes()
        found = check_determinism(run, urls, concurrency=4, options=FAST, say=lambda line: None)
    assert found.sides["base"].rate == 0.0
    side = found.sides["tuned"]
    assert (side.asked, side.flipped, side.under_load, side.alone, side.failed) == (5, 3, 2, 2, 0)
    assert side.rate == 0.6
    assert len(side.examples) == 3
    assert run.responses_path.read_bytes() == kept
    assert json.loads(found.records()["tuned"].model_dump_json())["rate"] == 0.6
    assert "3 of 5 answers changed" in found.lines()[1]
    assert side.examples[0] in found.lines()[1]


def test_the_load_is_the_collections_and_alone_is_alone(tmp_path: Path) -> None:
    with tgi(Tgi("base", delay=0.05)) as base, tgi(Tgi("tuned", delay=0.05)) as tuned:
        urls = urls_of(base, tuned)
        run = new_run(tmp_path, urls, count=30)
        gather(run, urls)
        for server in (base, tuned):
            server.most_in_flight = 0
            server.asked.clear()
        found = check_determinism(run, urls, concurrency=8, options=FAST, say=lambda line: None)
    assert found.load == 8
    assert base.most_in_flight == tuned.most_in_flight == 8
    assert sorted(base.asked.values()) == [1] * 7 + [2] * 5  # those that fill up are asked once, the sample twice


def test_one_at_a_time_is_never_two(tmp_path: Path) -> None:
    with tgi(Tgi("base", delay=0.02)) as base, tgi(Tgi("tuned", delay=0.02)) as tuned:
        urls = urls_of(base, tuned)
        run = new_run(tmp_path, urls, count=6)
        gather(run, urls)
        base.most_in_flight = tuned.most_in_flight = 0
        found = check_determinism(run, urls, concurrency=1, options=FAST, say=lambda line: None)
    assert base.most_in_flight == tuned.most_in_flight == 1
    assert found.sides["tuned"].asked == 5


def test_what_gets_no_answer_is_not_counted_as_the_same(tmp_path: Path) -> None:
    broken: set[str] = set()

    async def trouble(request: web.Request, text: str, nth: int) -> web.StreamResponse | None:
        body = {"error": "Request failed during generation: out of memory", "error_type": "generation"}
        return web.json_response(body, status=424) if text in broken else None

    with tgi(Tgi("base")) as base, tgi(Tgi("tuned", trouble=trouble)) as tuned:
        urls = urls_of(base, tuned)
        run = new_run(tmp_path, urls, count=8)
        gather(run, urls)
        broken |= set(_sampled(run, 2))
        side = check_determinism(run, urls, options=FAST, say=lambda line: None).sides["tuned"]
    assert (side.asked, side.failed, side.flipped) == (3, 2, 0)


def test_one_side_alone_can_be_asked_again(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        run = new_run(tmp_path, urls_of(base, tuned), count=6)
        gather(run, {"base": base.url})
        found = check_determinism(run, {"base": base.url}, options=FAST, say=lambda line: None)
    assert {side: one.asked for side, one in found.sides.items()} == {"base": 5}


def test_nothing_answered_is_nothing_asked(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        urls = urls_of(base, tuned)
        found = check_determinism(new_run(tmp_path, urls), urls, options=FAST, say=lambda line: None)
    assert found.sides["base"].rate is None
    assert found.lines()[0] == "base: determinism: nothing was sent again"


def test_a_server_that_is_gone_is_told_as_such(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base:
        with tgi(Tgi("tuned")) as tuned:
            urls = urls_of(base, tuned)
            run = new_run(tmp_path, urls)
            gather(run, urls)
        with pytest.raises(EngineUnreachable, match="cannot connect to"):
            check_determinism(run, urls, options=FAST, say=lambda line: None)


def test_an_imported_run_can_not_be_asked_again(tmp_path: Path) -> None:
    with tgi(Tgi("base")) as base, tgi(Tgi("tuned")) as tuned:
        urls = urls_of(base, tuned)
        run = new_run(tmp_path, urls).update(decoding=None, origin="imported")
        with pytest.raises(RunError, match="imported"):
            check_determinism(run, urls, options=FAST, say=lambda line: None)
