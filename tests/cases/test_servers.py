"""The cases about servers, under their numbers: situations that people reported, each with the right value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.judge.page.judging_state import JudgingState
from eval.judge.page.views import stage_html
from tests.cases.commands import answers, blindside, collect, failures, lines, opened, servers
from tests.judge.person import PLAIN, Person

COLOUR = {"id": "a", "prompt": "Name a colour."}


def page() -> str:
    return stage_html(Person(JudgingState(opened(), PLAIN), "Ana").view)


def test_case_01_thinking_is_apart_from_what_is_judged_checked_and_measured() -> None:
    lines(
        "p.jsonl", {**COLOUR, "expect": {"equals": "Answer to Name a colour."}}, {"id": "b", "prompt": "Name a tree."}
    )
    with servers("think", "plain") as (base, tuned):
        done = collect(base.url, tuned.url)
    assert "base: 2 answers, 0 cut, 0 empty, 0 repeating, 0 refusing, 2 with thinking" in done.said
    assert "tuned: 2 answers, 0 cut, 0 empty, 0 repeating, 0 refusing 0 of 2 pairs" in done.said
    assert (answers()["a", "base"].text, answers()["a", "base"].thinking) == (
        "Answer to Name a colour.",
        "The user asks 'Name a colour.'.",
    )
    assert "The user asks" not in page()
    rows = {row.split(",")[0]: row for row in _report().splitlines()}  # by their stable ids
    assert rows["must_pass_base"].split(",")[2] == "1.0"


def _report() -> str:
    assert not blindside("report", "r").failed
    return (opened().report_folder / "summary.csv").read_text(encoding="utf-8")


def test_case_01_an_unclosed_block_is_no_answer() -> None:
    lines("p.jsonl", COLOUR)
    with servers("think, cut", "plain") as (base, tuned):
        assert collect(base.url, tuned.url).failed
    assert ("a", "base") not in answers()
    assert "up to the limit and did not answer" in failures()["a", "base"].error


def test_case_03_busy_at_the_first_contact_is_waited_for() -> None:
    lines("p.jsonl", COLOUR)
    with servers("busy at first", "plain") as (base, tuned):
        done = collect(base.url, tuned.url)
    assert not done.failed, done.said
    assert len(answers()) == 2


def test_case_04_one_moderated_prompt_fails_alone_and_is_not_asked_for_ever() -> None:
    lines("p.jsonl", *({"id": f"p{n}", "prompt": f"Prompt {n}."} for n in range(8)), {"id": "bad", "prompt": "flag me"})
    with servers("moderated", "moderated") as (base, tuned):
        assert collect(base.url, tuned.url, "--concurrency", "1").failed
        assert (len(answers()), len(failures())) == (16, 2)
        assert failures()["bad", "base"].error.endswith("refused this prompt (403): Your input was flagged")
        before = len(base.keys)
        again = collect(base.url, tuned.url)
        assert "2 prompts were refused by a server and are skipped: --retry-failed asks again" in again.said
        assert sum("flag" in str(key) for key in base.keys[before:]) == 0


@pytest.mark.parametrize(
    ("listed", "needs_name"),
    [([{"id": "base-model"}], False), (False, True), ({"object": "list", "data": None}, True)],
    ids=["a bare list", "no list", "null"],
)
def test_case_05_models_are_found_or_named(listed: object, needs_name: bool) -> None:
    lines("p.jsonl", COLOUR)
    with servers("plain", "plain", listed=listed) as (base, tuned):
        done = collect(base.url, tuned.url)
        assert done.failed == needs_name
        if needs_name:
            assert f"{base.url}#name" in done.said
        assert not collect(f"{base.url}#base-model", f"{tuned.url}#base-model", run="named").failed


def test_case_07_addresses_as_people_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    lines("p.jsonl", COLOUR)
    with servers("plain", "plain") as (base, tuned):
        host = base.url.removeprefix("http://")
        works = ("/v1/chat/completions", "/v1?api-version=2024-02-01", "/base/path/v1/", "/api", " ")
        for number, behind in enumerate(works):
            assert not collect(f"{base.url}{behind}", tuned.url, run=f"r{number}").failed, behind
        assert not collect(f"http://ann:s3cret-pw@{host}", tuned.url, run="secret").failed
        assert base.keys[-1].startswith("Basic ")
        written = b"".join(path.read_bytes() for path in Path("reports").rglob("*") if path.is_file())
        assert b"s3cret-pw" not in written
        assert "give one like http://127.0.0.1:8080" in collect(host, tuned.url, run="bare").said
        for key in ("k\n", "“k”"):
            monkeypatch.setenv("BLINDSIDE_API_KEY", key)
            assert "BLINDSIDE_API_KEY holds a line break" in collect(base.url, tuned.url, run="key").said


def test_case_08_cut_and_filtered_are_marked_and_counted() -> None:
    lines("p.jsonl", COLOUR)
    with servers("filtered", "model_length") as (base, tuned):
        done = collect(base.url, tuned.url)
    assert "base: 1 answer, 0 cut, 0 empty, 0 repeating, 0 refusing, 1 ended by a content filter" in done.said
    assert "tuned: 1 answer, 1 cut," in done.said
    shown = page()
    assert shown.count("a content filter ended it") == 1
    assert shown.count("it reached the token limit") == 1
    report = _report()
    assert "base answers ended by a filter or a tool call,1.0" in report
    assert "tuned answers cut at the token limit,1.0" in report


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("parts", "Fine.", ""),
        ("refusal", "I can't help with that.", "1 marked as a refusal by the server"),
        ("tool call", None, "answered with a tool call instead of a text"),
        ("reasoning", None, "thought for 8 tokens up to the limit and did not answer"),
        ("error in a 200", None, "answered an error (Provider returned error)"),
    ],
)
def test_case_09_bodies_of_every_kind(kind: str, text: str | None, said: str) -> None:
    lines("p.jsonl", COLOUR)
    with servers(kind, "plain") as (base, tuned):
        done = collect(base.url, tuned.url, "--attempts", "1")
    assert said in done.said
    if text is None:
        assert done.failed
        assert not Path("reports").exists() or ("a", "base") not in answers()
    else:
        assert (answers()["a", "base"].text, answers()["a", "base"].refused) == (text, kind == "refusal")


def test_case_13_outer_white_space_is_no_difference() -> None:
    lines("p.jsonl", COLOUR)
    with servers("space before", "space behind") as (base, tuned):
        done = collect(base.url, tuned.url)
    assert "1 of 1 pair has the same answer on both sides" in done.said
    assert Person(JudgingState(opened(), PLAIN), "Ana").view.state == "none"


def test_case_24_a_correctors_thinking_is_never_chosen() -> None:
    lines("p.jsonl", COLOUR)
    with servers("plain", "think") as (small, strong):
        done = blindside(
            "pairs", "synthesize", "p.jsonl", "out.jsonl", "--small-url", small.url, "--strong-url", strong.url
        )
    assert not done.failed, done.said
    (row,) = map(json.loads, Path("out.jsonl").read_text(encoding="utf-8").splitlines())
    assert row["chosen"]["content"].startswith("Answer to Below are a conversation")
    assert "<think>" not in json.dumps(row)


def test_case_30_a_server_behind_a_proxy_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our server stands for the proxy too: a proxy of HTTP is asked for whole addresses."""
    lines("p.jsonl", COLOUR)
    with servers("plain", "plain") as (proxy, tuned):
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        done = collect("http://base.models.internal", tuned.url)
    assert not done.failed, done.said
    assert len(answers()) == 2
