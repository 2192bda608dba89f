# ruff: noqa: E501 -- a table of layouts
"""Rows in = used + counted exclusions: for prompts, imports, votes, thumbs, and pairs of every format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.collect.imports.imports import import_alpaca_eval, import_fastchat, import_table
from eval.collect.prompts.prompt_set import load_prompts
from eval.collect.prompts.retired import Retired, retire
from eval.errors import InputError
from eval.run import Run
from eval.run_info import PromptSet
from tests.train.pair_formats import CONVERSATIONAL, QUESTION, SYSTEM_AND_QUESTION, TRANSCRIPTS, Said, Write, user
from tests.train.test_choice_codes import rows_of
from train.errors import PairsError
from train.pairs.choices import from_choices
from train.pairs.convert import Tally, convert
from train.pairs.feedback import from_feedback
from train.pairs.keys import prompt_key

FEW = settings(deadline=None, max_examples=25)
NUMBERS = st.lists(st.integers(0, 6), min_size=1, max_size=12)
Folder = pytest.TempPathFactory


def quiet(line: str) -> None:
    return None


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def key(number: int) -> str:
    return prompt_key([{"role": "user", "content": f"Question {number}?"}])


def retired(reports: Path, numbers: set[int]) -> None:
    reports.mkdir()
    rows = [
        Retired(prompt_key=key(n), run="before", item=str(n), retired_at="2026-01-31T12:00:00Z", pairs="p")
        for n in numbers
    ]
    retire(reports, rows)


def accounted(found: PromptSet, records: int, each: int = 1) -> None:
    assert found.records == records == each * found.asked + sum(found.left_out.values())
    assert all(count > 0 for count in found.left_out.values())


@FEW
@given(numbers=NUMBERS, trained=st.sets(st.integers(0, 3)), gone=st.sets(st.integers(2, 5)), limit=st.integers(1, 9))
def test_prompts(numbers: list[int], trained: set[int], gone: set[int], limit: int, tmp_path_factory: Folder) -> None:
    rows = [{"prompt": f"Question {n}?"} for n in numbers]
    path = lines(tmp_path_factory.mktemp("prompts") / "p.jsonl", rows)
    try:
        loaded = load_prompts(
            str(path), training_keys=frozenset(map(key, trained)), retired=frozenset(map(key, gone)), limit=limit
        )
    except InputError as error:
        if not set(numbers) <= trained | gone:
            raise AssertionError(numbers) from error
        return
    accounted(loaded.prompt_set, len(rows))
    assert loaded.prompt_set.asked == len(loaded.prompts)


#: What an answer may be: one, none, thinking, thinking alone, an error, and the same again.
ANSWERS = st.sampled_from(
    ["Blue.", "Red.", None, "<think>Hm.</think>Blue.", "<think>It continues", "$ERROR$", "Try later.", " "]
)
PAIRS = st.lists(st.tuples(st.integers(0, 5), ANSWERS, ANSWERS), min_size=1, max_size=14)


def made(make: Callable[[], Run]) -> PromptSet | None:
    """What an import used; None where it used nothing, which it says."""
    try:
        return make().info.prompt_set
    except InputError as error:
        if not any(words in str(error) for words in ("nothing was imported", "were harvested", "must be a text")):
            raise
        return None


@FEW
@given(rows=PAIRS, gone=st.sets(st.integers(0, 5), max_size=2), keep=st.booleans())
def test_imported_tables(rows: list[Any], gone: set[int], keep: bool, tmp_path_factory: Folder) -> None:
    folder = tmp_path_factory.mktemp("table")
    retired(folder / "reports", gone)
    table = [{"prompt": f"Question {n}?", "base": base, "tuned": tuned} for n, base, tuned in rows]
    path = lines(folder / "t.jsonl", table)
    found = made(lambda: import_table(folder / "reports", "r", path, keep_errors=keep, say=quiet))
    if found is not None:
        accounted(found, len(rows))


@FEW
@given(
    base=PAIRS, tuned=PAIRS, gone=st.sets(st.integers(0, 5), max_size=2), kind=st.sampled_from(["alpaca", "fastchat"])
)
def test_imported_files_of_two_models(
    base: list[Any], tuned: list[Any], gone: set[int], kind: str, tmp_path_factory: Folder
) -> None:
    folder = tmp_path_factory.mktemp(kind)
    reports = folder / "reports"
    retired(reports, gone)
    if kind == "alpaca":
        sides = [[{"instruction": f"Question {n}?", "output": text} for n, text, _ in side] for side in (base, tuned)]
        one, other = (lines(folder / name, rows) for name, rows in zip(("b.jsonl", "t.jsonl"), sides, strict=True))
        found = made(lambda: import_alpaca_eval(reports, "r", one, other, say=quiet))
    else:
        sides = [[{"question_id": n, "text": text} for n, text, _ in side] for side in (base, tuned)]
        questions = lines(folder / "q.jsonl", [{"question_id": n, "text": f"Question {n}?"} for n in range(6)])
        one, other = (lines(folder / name, rows) for name, rows in zip(("b.jsonl", "t.jsonl"), sides, strict=True))
        found = made(lambda: import_fastchat(reports, "r", questions, one, other, say=quiet))
    if found is not None:
        accounted(found, len(base) + len(tuned), each=2)


def counted(rows: int, make: Callable[[], Tally], used: int | None = None) -> None:
    """Every row is in a pair or counted; a file that gives no pair says so."""
    try:
        tally = make()
    except PairsError as error:
        if "gives no pair" not in str(error):
            raise
        return
    assert tally.read == rows == (tally.written if used is None else used) + tally.excluded.total()


def two(n: int, a: str = "Blue.", b: str = "Red.") -> dict[str, Any]:
    said = [{"role": "user", "content": f"Question {n}?"}]
    return {
        f"conversation_{name}": [*said, {"role": "assistant", "content": text}] for name, text in (("a", a), ("b", b))
    }


#: Votes as logs write them: the row of a code.
VOTES: dict[str, tuple[st.SearchStrategy[Any], Callable[[int, Any], dict[str, Any]]]] = {
    "preference": (st.sampled_from(["a", "b", "tie", None, "", "?", [], True]), lambda n, c: rows_of([c])[0]),
    "numbers": (st.sampled_from([1, 2, None, float("nan")]), lambda n, c: {"prompt": f"{n}", "a": "x", "b": "y", "choice": c}),
    "arena": (st.sampled_from(["model_a", "model_b", "tie", "tie (bothbad)", None]), lambda n, c: {**two(n), "winner": c}),
    "same answers": (st.sampled_from(["model_a", "tie"]), lambda n, c: {**two(n, "x", "x"), "winner": c}),
    "columns": (st.sampled_from("abt"), lambda n, c: {
        "prompt": f"{n}", "response_a": "x", "response_b": "y",
        **{f"winner_{name}": int(c == name[-1] or (c == "t" and name == "tie")) for name in ("model_a", "model_b", "tie")},
    }),
    "safer": (st.sampled_from([0, 1, None]), lambda n, c: {
        "prompt": f"{n}", "response_0": "x", "response_1": "y", "better_response_id": c,
    }),
}  # fmt: skip


@pytest.mark.parametrize("name", VOTES)
@FEW
@given(data=st.data())
def test_votes_of_every_layout(name: str, data: st.DataObject, tmp_path_factory: Folder) -> None:
    codes, row = VOTES[name]
    drawn = data.draw(st.lists(codes, min_size=1, max_size=10))
    rows = [row(n, code) for n, code in enumerate(drawn)]
    # Both sides of a scale, so that the file tells what its codes mean.
    rows += [row(90 + n, code) for n, code in enumerate(ENDS[name])]
    junk = data.draw(st.lists(st.sampled_from([{}, {"other": 1}, [1], "x", 3]), max_size=3))
    folder = tmp_path_factory.mktemp("votes")
    path = lines(folder / "v.jsonl", [*rows, *junk])
    counted(len(rows) + len(junk), lambda: from_choices(path, folder / "out.jsonl", say=quiet))


ENDS: dict[str, list[Any]] = {
    "preference": ["a", "b"], "numbers": [1, 2], "arena": ["model_a", "model_b"], "same answers": [],
    "columns": ["a", "b"], "safer": [0, 1],
}  # fmt: skip


@FEW
@given(ratings=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["up", "down", None, "?"])), max_size=12))
def test_thumbs(ratings: list[tuple[int, Any]], tmp_path_factory: Folder) -> None:
    folder = tmp_path_factory.mktemp("thumbs")
    rated = [*ratings, (9, "up"), (9, "down")]
    rows = [{"prompt": f"Q{n}?", "answer": f"{at}", "rating": code} for at, (n, code) in enumerate(rated)]
    path = lines(folder / "t.jsonl", rows)
    tally = from_feedback(path, folder / "out.jsonl", say=quiet)
    sources = [json.loads(line)["source"] for line in (folder / "out.jsonl").read_text().splitlines()]
    used = {n for source in sources for n in (*source["up"], *source["down"])}
    assert tally.read == len(rows) == len(used) + tally.excluded.total()


FORMATS: dict[str, Write] = {**CONVERSATIONAL, **SYSTEM_AND_QUESTION, **QUESTION, **TRANSCRIPTS}
JUNK = st.sampled_from([{}, {"other": 1}, {"prompt": None, "chosen": 1, "rejected": 2}, {"chosen": [], "rejected": []}])


@pytest.mark.parametrize("name", FORMATS)
@FEW
@given(order=st.lists(st.integers(0, 2) | JUNK, max_size=8), same=st.booleans())
def test_pairs_of_every_format(name: str, order: list[Any], same: bool, tmp_path_factory: Folder) -> None:
    write, folder = FORMATS[name], tmp_path_factory.mktemp("pairs")
    said = [Said((user(f"Which colour is thing {n}?"),), "Blue.", "Blue." if same else "Red.") for n in range(3)]
    rows = [write(said[0]), *(write(said[one]) if isinstance(one, int) else one for one in order)]
    path = lines(folder / "in.jsonl", rows)
    counted(len(rows), lambda: convert(path, folder / "out.jsonl", say=quiet))
