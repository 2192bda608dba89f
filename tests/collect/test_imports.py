"""Runs out of answers collected elsewhere: joined by id or text, all that is left out counted and named."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.answers import read_answers
from eval.collect.imports.imports import import_alpaca_eval, import_fastchat, import_table
from eval.collect.prompts.retired import Retired, retire
from eval.errors import InputError, RunError
from eval.records import Pair
from eval.run import Run, open_run
from tests.collect.test_prompts import write
from tests.support import ROOT
from train.pairs.keys import prompt_key

SHARED = Path(os.environ.get("BLINDSIDE_SHARED", ROOT.parent / "shared")) / "prompts"


def pairs_of(run: Run) -> list[Pair]:
    return read_answers(run.responses_path).pairs(run.prompts())


def texts_of(run: Run) -> dict[str, tuple[str, str]]:
    """Both answers by the prompt's text."""
    return {pair.messages[-1].content: (pair.base.text, pair.tuned.text) for pair in pairs_of(run)}


TABLE: list[dict[str, Any]] = [
    {"q": "Why?", "a1": "So.", "a2": "Because.", "n": "one", "kind": "facts"},
    {"q": "How?", "a1": "Like\nthis.", "a2": "=1+1", "n": "two", "kind": "code"},
]
COLUMNS: dict[str, Any] = {"prompt": "q", "base": "a1", "tuned": "a2", "id": "n", "category": "kind"}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json", ".parquet"])
def test_a_table_becomes_a_run(tmp_path: Path, suffix: str) -> None:
    said: list[str] = []
    path = Path(write(tmp_path / f"t{suffix}", TABLE))
    run = import_table(
        tmp_path / "reports", "first", path, **COLUMNS, base_name="old", tuned_name="new", say=said.append
    )
    assert [(p.id, p.category, p.messages[0].content) for p in run.prompts()] == [
        ("one", "facts", "Why?"),
        ("two", "code", "How?"),
    ]
    assert texts_of(run) == {"Why?": ("So.", "Because."), "How?": ("Like\nthis.", "=1+1")}
    assert said == ["2 prompts with both answers imported"]
    info = open_run(tmp_path / "reports", "first").info
    assert (info.origin, info.engine, info.models["base"].name, info.models["tuned"].name) == (
        "imported",
        "imported",
        "old",
        "new",
    )
    assert info.models["base"].revision != info.models["tuned"].revision
    assert info.counts == {"asked": 4, "answered": 4, "failed": 0}
    assert {pair.base.finish_reason for pair in pairs_of(run)} == {"unknown"}


def test_the_usual_columns_need_no_options(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "t.csv", [{"prompt": "Why?", "base": "So.", "tuned": "Because."}]))
    run = import_table(tmp_path / "reports", "first", path, say=lambda line: None)
    assert texts_of(run) == {"Why?": ("So.", "Because.")}
    assert run.info.models["base"].name == "base"


def test_a_table_tells_what_it_leaves_out(tmp_path: Path) -> None:
    rows = [
        {"prompt": "Why?", "base": "So.", "tuned": "Because."},
        {"prompt": "Why?", "base": "So.", "tuned": "Because."},
        {"prompt": "Why? ", "base": "So!", "tuned": "Because."},
        {"prompt": "How?", "base": "", "tuned": "Thus."},
    ]
    said: list[str] = []
    run = import_table(tmp_path / "reports", "first", Path(write(tmp_path / "t.csv", rows)), say=said.append)
    assert texts_of(run) == {"Why?": ("So.", "Because.")}
    assert said == [
        "2 records repeat earlier prompts and are left out: line 3 (first in line 2), "
        "line 4 (first in line 2, other answers)",
        "1 record lacks an answer and is left out: line 5",
        "1 prompt with both answers imported",
    ]
    assert (run.info.prompt_set.duplicates, run.info.prompt_set.unjoined, run.info.prompt_set.asked) == (2, 1, 1)


def test_an_empty_text_in_json_is_an_answer_and_null_is_none(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"prompt": "Why?", "base": "", "tuned": "So."},
        {"prompt": "How?", "base": None, "tuned": "So."},
    ]
    run = import_table(tmp_path / "reports", "first", Path(write(tmp_path / "t.jsonl", rows)), say=lambda line: None)
    assert texts_of(run) == {"Why?": ("", "So.")}
    assert run.info.prompt_set.unjoined == 1


def quiet(line: str) -> None:
    return None


def test_importing_again_changes_nothing_and_other_answers_are_refused(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "t.jsonl", TABLE))
    run = import_table(tmp_path / "reports", "first", path, **COLUMNS, say=quiet)
    before = run.responses_path.read_bytes()
    import_table(tmp_path / "reports", "first", path, **COLUMNS, say=quiet)
    assert run.responses_path.read_bytes() == before
    write(path, [TABLE[0], TABLE[1] | {"a2": "2"}])
    with pytest.raises(RunError, match=r"run first compares something else \(other models\)"):
        import_table(tmp_path / "reports", "first", path, **COLUMNS, say=quiet)
    assert run.responses_path.read_bytes() == before


def test_an_import_that_was_cut_off_is_completed(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "t.jsonl", TABLE))
    run = import_table(tmp_path / "reports", "first", path, **COLUMNS, say=quiet)
    whole = run.responses_path.read_bytes()
    run.responses_path.write_bytes(whole[: whole.index(b"\n") + 20])
    import_table(tmp_path / "reports", "first", path, **COLUMNS, say=quiet)
    assert len(pairs_of(run)) == 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"prompt": "Why?", "base": "So."}], r"t\.jsonl:1: has no column 'tuned'; its columns are: prompt, base"),
        ([{"prompt": "Why?", "base": "So.", "tuned": 7}], r"t\.jsonl:1: tuned must be a text"),
        ([{"prompt": "", "base": "So.", "tuned": "x"}], r"t\.jsonl:1: prompt is empty"),
        ([{"prompt": "Why?", "base": None, "tuned": "x"}], "no prompt has an answer of both models"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(tmp_path: Path, rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        import_table(tmp_path / "reports", "first", Path(write(tmp_path / "t.jsonl", rows)), say=quiet)
    assert not (tmp_path / "reports").exists()


def test_one_id_for_two_prompts_of_a_table_is_refused(tmp_path: Path) -> None:
    rows = [{"id": "a", "prompt": text, "base": "x", "tuned": "y"} for text in ("Why?", "How?")]
    with pytest.raises(InputError, match=r"t\.jsonl:2: id a has another prompt in line 1"):
        import_table(tmp_path / "reports", "first", Path(write(tmp_path / "t.jsonl", rows)), id="id", say=quiet)


def alpaca(path: Path, generator: str, answers: list[tuple[str, str]]) -> Path:
    rows = [{"dataset": "koala", "instruction": q, "output": a, "generator": generator} for q, a in answers]
    return Path(write(path, rows))


def test_alpaca_evals_files_join_by_instruction_whatever_their_order(tmp_path: Path) -> None:
    base = alpaca(tmp_path / "base.json", "old-model", [("Why?", "b1"), ("How?", "b2"), ("Who?", "b3"), ("Why?", "b1")])
    tuned = alpaca(tmp_path / "tuned.json", "new-model", [("How?", "t2"), ("When?", "t4"), ("Why?", "t1")])
    said: list[str] = []
    run = import_alpaca_eval(tmp_path / "reports", "first", base, tuned, say=said.append)
    assert texts_of(run) == {"Why?": ("b1", "t1"), "How?": ("b2", "t2")}
    assert said == [
        "1 answer of base occurs twice and counts once: 'Why?' (line 20)",
        "1 answer of base without a match is left out: 'Who?' (line 14)",
        "1 answer of tuned without a match is left out: 'When?' (line 8)",
        "2 prompts with both answers imported",
    ]
    assert (run.info.models["base"].name, run.info.models["tuned"].name) == ("old-model", "new-model")
    assert (run.info.prompt_set.unjoined, run.info.prompt_set.duplicates) == (2, 1)
    assert {prompt.category for prompt in run.prompts()} == {"koala"}


def test_a_prompt_with_two_different_answers_of_one_model_is_left_out(tmp_path: Path) -> None:
    base = alpaca(tmp_path / "base.json", "m", [("Why?", "b1"), ("Why?", "b2"), ("How?", "b3")])
    tuned = alpaca(tmp_path / "tuned.json", "n", [("Why?", "t1"), ("How?", "t2")])
    said: list[str] = []
    run = import_alpaca_eval(tmp_path / "reports", "first", base, tuned, say=said.append)
    assert texts_of(run) == {"How?": ("b3", "t2")}
    assert said[0] == "1 prompt has several different answers of base and is left out: 'Why?' (line 8)"


def test_two_models_in_one_file_are_refused(tmp_path: Path) -> None:
    rows = [{"instruction": q, "output": "x", "generator": g} for q, g in [("Why?", "a"), ("How?", "b")]]
    path = Path(write(tmp_path / "m.json", rows))
    with pytest.raises(
        InputError, match=r"m\.json:7: generator is 'b' after 'a': give each model's answers in a separate file"
    ):
        import_alpaca_eval(tmp_path / "reports", "first", path, path, say=quiet)


@given(st.permutations(range(6)), st.permutations(range(6)), st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)))
def test_no_order_and_no_gap_ever_pairs_answers_of_different_prompts(
    tmp_path_factory: pytest.TempPathFactory, one: list[int], two: list[int], gone: set[int], lost: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("join")
    base = [(f"Question {n}", f"base {n}") for n in one if n not in gone]
    tuned = [(f"Question {n}", f"tuned {n}") for n in two if n not in lost]
    both = {n for n in range(6) if n not in gone | lost}
    if not both or not base or not tuned:
        return
    paths = alpaca(folder / "b.json", "b", base), alpaca(folder / "t.json", "t", tuned)
    run = import_alpaca_eval(folder / "reports", "first", *paths, say=quiet)
    assert texts_of(run) == {f"Question {n}": (f"base {n}", f"tuned {n}") for n in both}
    assert run.info.prompt_set.unjoined == len(base) + len(tuned) - 2 * len(both)


OLD = {"answer_id": "x", "model_id": "llama:v1", "metadata": {}}


def fastchat(folder: Path) -> tuple[Path, Path, Path]:
    """Questions with one and two turns; answers in the old format and in the new one, shuffled."""
    questions: list[dict[str, Any]] = [
        {"question_id": 1, "text": "Why?", "category": "generic"},
        {"question_id": 2, "turns": ["How?", "And then?"], "category": "math"},
        {"question_id": 3, "text": "Who?", "category": "generic"},
        {"question_id": 4, "text": "When?", "category": "generic"},
    ]
    old: list[dict[str, Any]] = [OLD | {"question_id": n, "text": f"old {n}"} for n in (3, 1, 2)]
    new: list[dict[str, Any]] = [
        {"question_id": n, "model_id": "vicuna", "choices": [{"index": 0, "turns": [f"new {n}", "more"]}]}
        for n in (2, 9, 1)
    ]
    paths = [folder / name for name in ("question.jsonl", "old.jsonl", "new.jsonl")]
    for path, rows in zip(paths, (questions, old, new), strict=True):
        write(path, rows)
    return paths[0], paths[1], paths[2]


def test_fastchats_files_join_by_question_id_in_both_formats(tmp_path: Path) -> None:
    said: list[str] = []
    run = import_fastchat(tmp_path / "reports", "first", *fastchat(tmp_path), say=said.append)
    assert texts_of(run) == {"Why?": ("old 1", "new 1"), "How?": ("old 2", "new 2")}
    assert {prompt.id: prompt.category for prompt in run.prompts()} == {"1": "generic", "2": "math"}
    assert said == [
        "1 answer of base without a match is left out: 3 (line 1)",
        "1 answer of tuned without a match is left out: 9 (line 2)",
        "1 question has no answer at all and is left out: 4",
        "1 question has several turns, of which only the first is compared: 2",
        "2 prompts with both answers imported",
    ]
    assert (run.info.models["base"].name, run.info.models["tuned"].name) == ("llama:v1", "vicuna")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"text": "x"}, "has no question_id: is it a FastChat file?"),
        ({"question_id": 1}, r"has neither text nor choices\[0\]\.turns\[0\]: is it a FastChat answer file\?"),
        ({"question_id": 1, "choices": []}, "has neither text nor choices"),
        ({"question_id": 1, "choices": [{"turns": [None]}]}, r"choices\[0\]\.turns\[0\] must be a text"),
        ({"question_id": 1, "text": None}, "text must be a text"),
    ],
)
def test_a_file_that_is_not_fastchats_is_named(tmp_path: Path, answer: dict[str, Any], said: str) -> None:
    questions, base, tuned = fastchat(tmp_path)
    write(tuned, [answer])
    with pytest.raises(InputError, match=rf"new\.jsonl:1: {said}"):
        import_fastchat(tmp_path / "reports", "first", questions, base, tuned, say=quiet)


def test_real_answers_of_a_base_and_its_fine_tune_join_completely_in_any_order(tmp_path: Path) -> None:
    names = ("vicuna80_question.jsonl", "vicuna80_answer_llama-13b.jsonl", "vicuna80_answer_vicuna-13b.jsonl")
    files = [SHARED / name for name in names]
    if not all(file.is_file() for file in files):
        pytest.skip("needs the 80 real questions and answers (optional data)")
    lines = files[2].read_text(encoding="utf-8").splitlines(keepends=True)
    random.Random(0).shuffle(lines)
    shuffled = tmp_path / files[2].name
    shuffled.write_text("".join(lines), encoding="utf-8")
    run = import_fastchat(tmp_path, "real", files[0], files[1], shuffled, say=quiet)
    by_id = {str(row["question_id"]): row["text"] for row in map(json.loads, lines)}
    assert {pair.prompt_id: pair.tuned.text for pair in pairs_of(run)} == by_id
    assert (run.info.prompt_set.asked, run.info.prompt_set.unjoined) == (80, 0)


def test_retired_prompts_are_not_imported_again(tmp_path: Path) -> None:
    rows = [{"q": f"Question {n}?", "a1": f"b {n}", "a2": f"t {n}", "n": str(n), "kind": "facts"} for n in range(3)]
    source = Path(write(tmp_path / "answers.jsonl", rows))
    reports = tmp_path / "reports"
    reports.mkdir()
    gone = prompt_key([{"role": "user", "content": "Question 1?"}])
    retire(reports, [Retired(prompt_key=gone, run="before", item="q1", retired_at="2026-01-31T12:00:00Z", pairs="p")])
    said: list[str] = []
    run = import_table(reports, "again", source, **COLUMNS, say=said.append)
    assert [prompt.messages[0].content for prompt in run.prompts()] == ["Question 0?", "Question 2?"]
    assert (run.info.prompt_set.asked, run.info.prompt_set.retired) == (2, 1)
    assert "1 prompt left out: earlier runs harvested them for training (retired.jsonl)" in said
