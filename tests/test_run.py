"""Run folders: started, resumed, refused, found."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from eval.answers import encode, read_answered_keys, read_answers
from eval.errors import InputError, RunError
from eval.records import Failure, Message, Prompt, Response, Side, sha256_text, utc_now
from eval.run import list_runs, open_run, start_run
from eval.run_info import Decoding, ModelInfo, PromptSet, RunInfo
from tests.support import ROOT

PROMPTS = [Prompt(id=f"p{n}", messages=(Message(role="user", content=f"What is {n}?"),)) for n in range(3)]


def info(name: str = "first", *, tuned: str = "b" * 64, prompts: str = "c" * 64, max_tokens: int = 8) -> RunInfo:
    return RunInfo(
        run=name,
        models={
            "base": ModelInfo(name="base", source="models/base", weights_sha256="a" * 64),
            "tuned": ModelInfo(name="tuned", source="models/tuned", weights_sha256=tuned),
        },
        engine="test",
        decoding=Decoding(max_tokens=max_tokens),
        prompt_set=PromptSet(source="prompts.jsonl", sha256=prompts, asked=len(PROMPTS)),
    )


def response(prompt: Prompt, side: Side, text: str = "yes") -> Response:
    return Response(
        prompt_id=prompt.id,
        side=side,
        messages=prompt.messages,
        text=text,
        finish_reason="stop",
        sha256=sha256_text(text),
        answered_at=utc_now(),
    )


def test_started_run_is_found_with_its_prompts_and_by_its_name_or_as_the_newest(tmp_path: Path) -> None:
    start_run(tmp_path, info("first"), PROMPTS)
    second = start_run(tmp_path, info("second"), PROMPTS[:1])
    assert [folder.name for folder in list_runs(tmp_path)] == ["first", "second"]
    assert open_run(tmp_path, "first").prompts() == PROMPTS
    assert open_run(tmp_path, "").name == second.name


def test_the_run_that_was_judged_last_is_the_newest(tmp_path: Path) -> None:
    first = start_run(tmp_path, info("first"), PROMPTS)
    second = start_run(tmp_path, info("second"), PROMPTS)
    first.verdicts_path.touch()
    os.utime(second.folder / "run.json", ns=(0, 0))
    assert open_run(tmp_path, "").name == "first"


def test_a_prompt_may_hold_any_line_separator(tmp_path: Path) -> None:
    odd = Prompt(id="odd", messages=(Message(role="user", content="a\u2028b\u2029c\x85d\r\ne"),))
    assert start_run(tmp_path, info(), [odd]).prompts() == [odd]


def test_same_comparison_is_resumed_wherever_its_servers_run(tmp_path: Path) -> None:
    start_run(tmp_path, info(), PROMPTS)
    moved = info()
    url = moved.models["base"].model_copy(update={"url": "http://127.0.0.1:9"})
    again = start_run(tmp_path, moved.model_copy(update={"models": {**moved.models, "base": url}}), PROMPTS)
    assert again.info.models["base"].url is None


def test_a_run_of_an_earlier_version_goes_on_without_the_hashes_it_lacks(tmp_path: Path) -> None:
    old = start_run(tmp_path, info(), PROMPTS)
    now = info()
    tuned = now.models["tuned"].model_copy(update={"config_sha256": "e" * 64, "generation_config_sha256": "f" * 64})
    now = now.model_copy(update={"models": {**now.models, "tuned": tuned}})
    assert start_run(tmp_path, now, PROMPTS) == old
    start_run(tmp_path, now.model_copy(update={"run": "second"}), PROMPTS)
    other = now.models | {"tuned": tuned.model_copy(update={"config_sha256": "0" * 64})}
    with pytest.raises(RunError, match="compares something else"):
        start_run(tmp_path, now.model_copy(update={"run": "second", "models": other}), PROMPTS)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (info(tuned="d" * 64), "models"),
        (info(prompts="d" * 64), "prompt set"),
        (info(max_tokens=9), "decoding"),
    ],
)
def test_another_comparison_under_the_same_name_is_refused(tmp_path: Path, changed: RunInfo, named: str) -> None:
    run = start_run(tmp_path, info(), PROMPTS)
    before = (run.folder / "run.json").read_bytes()
    with pytest.raises(RunError, match=rf"run first compares something else \(other {named}\): choose a new name"):
        start_run(tmp_path, changed, PROMPTS)
    assert (run.folder / "run.json").read_bytes() == before


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 101])
def test_names_that_are_no_folder_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="can't name a run"):
        start_run(tmp_path, info(name), PROMPTS)
    assert list(tmp_path.iterdir()) == []


def test_missing_runs_are_told_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"there is no run in .*: make one with `make eval`"):
        open_run(tmp_path, "first")
    start_run(tmp_path, info(), PROMPTS)
    with pytest.raises(RunError, match=r"there is no run 'second' in .*: there are first"):
        open_run(tmp_path, "second")


def test_broken_run_json_names_the_field(tmp_path: Path) -> None:
    run = start_run(tmp_path, info(), PROMPTS)
    path = run.folder / "run.json"
    path.write_text(path.read_text().replace('"temperature": 0', '"temperature": 1'))
    with pytest.raises(RunError, match=r"run\.json: decoding\.temperature"):
        open_run(tmp_path, "first")


def _add_times(folder: Path, worker: int) -> None:
    run = open_run(folder, "first")
    for n in range(20):
        run.update(lambda now, n=n: {"times": {**now.times, f"{worker}-{n}": utc_now()}})  # type: ignore[misc]


def test_processes_that_update_at_once_take_nothing_from_each_other(tmp_path: Path) -> None:
    start_run(tmp_path, info(), PROMPTS)
    with ProcessPoolExecutor(3) as pool:
        list(pool.map(_add_times, [tmp_path] * 3, range(3)))
    assert len(open_run(tmp_path, "first").info.times) == 60


def test_an_update_without_a_change_leaves_the_file_alone(tmp_path: Path) -> None:
    run = start_run(tmp_path, info(), PROMPTS)
    before = (run.folder / "run.json").stat()
    assert run.update(engine="test").info == run.info
    assert (run.folder / "run.json").stat().st_ino == before.st_ino


def test_update_is_on_disk_and_keeps_the_rest(tmp_path: Path) -> None:
    run = start_run(tmp_path, info(), PROMPTS).update(counts={"answered": 6})
    assert open_run(tmp_path, "first").info == run.info
    assert run.info.engine == "test"


def test_only_one_process_collects(tmp_path: Path) -> None:
    run = start_run(tmp_path, info(), PROMPTS)
    with run.writing(), pytest.raises(RunError, match="is being collected by another process"), run.writing():
        raise AssertionError("two writers at once")
    with run.writing():
        pass


def test_answers_pair_in_prompt_order_and_say_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "responses.jsonl"
    failure = Failure(prompt_id="p1", side="tuned", error="timed out", attempts=5, failed_at=utc_now())
    rows: list[Response | Failure] = [
        response(PROMPTS[2], "tuned"),
        response(PROMPTS[2], "base"),
        response(PROMPTS[1], "base"),
        failure,
    ]
    path.write_bytes(encode(rows))
    answers = read_answers(path)
    assert [pair.prompt_id for pair in answers.pairs(PROMPTS)] == ["p2"]
    assert list(answers.failures) == [("p1", "tuned")]
    missing = [(prompt.id, side) for prompt, side in answers.missing(PROMPTS)]
    assert missing == [("p0", "base"), ("p0", "tuned"), ("p1", "tuned")]
    settled = read_answered_keys(path)  # what a collection keeps of them
    assert settled.missing(PROMPTS) == answers.missing(PROMPTS)
    assert (settled.count, settled.failures) == (3, answers.failures)


def test_a_later_answer_settles_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "responses.jsonl"
    failure = Failure(prompt_id="p0", side="base", error="timed out", attempts=5, failed_at=utc_now())
    path.write_bytes(encode([failure, response(PROMPTS[0], "base")]))
    assert read_answers(path).failures == read_answered_keys(path).failures == {}


def test_text_of_any_kind_survives(tmp_path: Path) -> None:
    path = tmp_path / "responses.jsonl"
    text = "line\nbreak \u2028 \x00 \U0001f600 \u05d0 e\u0301"
    path.write_bytes(encode([response(PROMPTS[0], "base", text)]))
    assert read_answers(path).responses[("p0", "base")].text == text


def test_a_lone_surrogate_becomes_the_replacement_character_and_hashes_alike(tmp_path: Path) -> None:
    path = tmp_path / "responses.jsonl"
    path.write_bytes(encode([response(PROMPTS[0], "base", "cut \ud83d emoji")]))
    read = read_answers(path).responses[("p0", "base")]
    assert read.text == "cut \ufffd emoji"
    assert read.sha256 == sha256_text("cut \ud83d emoji") == sha256_text(read.text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"not json\n", "Invalid JSON"),
        (b'{"kind": "response", "prompt_id": "p9"}\n', "side"),
        (b'{"kind": "rumour"}\n', "rumour"),
    ],
)
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    path = tmp_path / "responses.jsonl"
    path.write_bytes(encode([response(PROMPTS[0], "base")]) + line)
    with pytest.raises(InputError, match=rf"responses\.jsonl:2: .*{said}"):
        read_answers(path)


def test_a_second_answer_to_one_prompt_is_named(tmp_path: Path) -> None:
    path = tmp_path / "responses.jsonl"
    path.write_bytes(encode([response(PROMPTS[0], "base"), response(PROMPTS[0], "base", "no")]))
    with pytest.raises(InputError, match=r":2: a second answer of base to prompt p0"):
        read_answers(path)


RECORDED = ROOT / "tests" / "data" / "recorded_run.json"  # as blindside 0.1 wrote it, when findings were bare objects


def test_a_recorded_run_of_an_earlier_version_opens_and_loses_nothing(tmp_path: Path) -> None:
    before = json.loads(RECORDED.read_bytes())
    before["checks"]["parity"]["base"]["asked_by"] = "a later version"
    (tmp_path / before["run"]).mkdir()
    (tmp_path / before["run"] / "run.json").write_text(json.dumps(before))
    run = open_run(tmp_path, before["run"])
    marked, tuned = run.info.giveaways, run.info.checks.parity["tuned"]
    assert marked is not None
    assert (marked.policy, marked.looked_at, len(marked.items)) == ("mark", 140, 2)
    assert (tuned.passed, tuned.dtype, tuned.checks[0].name) == (True, "float32", "info")
    assert run.info.checks.determinism["base"].asked == before["checks"]["determinism"]["base"]["asked"]
    run.update(near=5)
    assert json.loads((run.folder / "run.json").read_bytes()) == before | {"near": 5}


def test_a_run_that_nobody_checked_nor_judged_says_so_in_the_words_of_then(tmp_path: Path) -> None:
    before = json.loads(RECORDED.read_bytes()) | {"checks": {}, "giveaways": {}}
    (tmp_path / before["run"]).mkdir()
    (tmp_path / before["run"] / "run.json").write_text(json.dumps(before))
    info = open_run(tmp_path, "").info
    assert (info.checks.parity, info.checks.determinism, info.giveaways) == ({}, {}, None)
