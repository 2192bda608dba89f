"""Columns and cells, by prompts, imports and pairs alike: used, or named as unread; never taken for another thing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blindside.tables.reader import read_rows
from blindside.tables.rows import Record
from eval.collect.imports.imports import import_alpaca_eval, import_table
from eval.collect.prompts.prompt_set import load_prompts
from eval.errors import InputError
from tests.tables.reading import asked, lines, table
from train.pairs.pair import Pair
from train.pairs.source import read_pairs

NAN = float("nan")
FRENCH = "Answer in French only."
SEA = "What colour is the sea?"


#: A row, the turns that it asks, and its columns that are not read.
ROWS: list[tuple[dict[str, Any], list[tuple[str, str]], list[str]]] = [
    ({"instruction": "When?", "context": "In 1902.", "response": "x"}, [("user", "When?\n\nIn 1902.")], ["response"]),
    ({"question": "When?", "context": "In 1902.", "title": "Mill"}, [("user", "When?\n\nIn 1902.")], ["title"]),
    ({"question": "When?", "context": {"titles": ["a"]}}, [("user", "When?")], ["context"]),
    ({"system": FRENCH, "prompt": SEA}, [("system", FRENCH), ("user", SEA)], []),
    ({"system_prompt": FRENCH, "question": SEA}, [("system", FRENCH), ("user", SEA)], []),
    ({"system_message": FRENCH, "text": SEA}, [("system", FRENCH), ("user", SEA)], []),
    ({"System": FRENCH, "Prompt": SEA}, [("system", FRENCH), ("user", SEA)], []),
    ({"system": "", "prompt": SEA}, [("user", SEA)], []),
    ({"system": NAN, "prompt": SEA, "id": NAN, "category": NAN}, [("user", SEA)], []),
    ({"system": FRENCH, "messages": [{"role": "user", "content": SEA}]}, [("system", FRENCH), ("user", SEA)], []),
    (
        {"system": FRENCH, "messages": [{"role": "system", "content": "Own."}, {"role": "user", "content": SEA}]},
        [("system", "Own."), ("user", SEA)],
        ["system"],
    ),
    ({"prompt": "Sum up.", "input": "Mills."}, [("user", "Sum up.\n\nMills.")], []),
    ({"instruction": "Sum up.", "input": "Mills."}, [("user", "Sum up.\n\nMills.")], []),
    ({"input": "Mills."}, [("user", "Mills.")], []),
    ({"question": "What?", "choices": ["a", "b"], "answer": 0}, [("user", "What?\n\nA. a\nB. b")], ["answer"]),
    ({"question": "What?", "choices": {"text": ["x"], "label": ["1"]}}, [("user", "What?\n\n1. x")], []),
    ({"question": "What?", "choices": [{"turns": ["x"]}]}, [("user", "What?")], ["choices"]),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": SEA}]}]}, [("user", SEA)], []),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]},
        [("user", "ab")],
        [],
    ),
    ({"conversations": [{"from": "human", "value": SEA}, {"from": "gpt", "value": "Blue."}]}, [("user", SEA)], []),
    ({"conversation": [{"from": "human", "value": SEA}]}, [("user", SEA)], []),
    (
        {"messages": [{"role": "developer", "content": "Short."}, {"role": "user", "content": SEA}]},
        [("system", "Short."), ("user", SEA)],
        [],
    ),
    ({"messages": [{"role": "system", "content": ""}, {"role": "user", "content": SEA}]}, [("user", SEA)], []),
    ({"messages": [{"role": "User", "content": SEA}]}, [("user", SEA)], []),
    (
        {"prompt": "\n\nHuman: Hi\n\nAssistant: Hey\n\nHuman: Why?\n\nAssistant:"},
        [("user", "Hi"), ("assistant", "Hey"), ("user", "Why?")],
        [],
    ),
    (
        {"custom_id": "r", "method": "POST", "url": "/v1", "body": {"messages": [{"role": "user", "content": SEA}]}},
        [("user", SEA)],
        ["method", "url"],
    ),
    ({"prompt": json.dumps([{"role": "user", "content": SEA}])}, [("user", SEA)], []),
    ({"prompt": '["One?", "Two?"]'}, [("user", "One?")], []),
    ({"prompt": "[1, 2, 3]"}, [("user", "[1, 2, 3]")], []),
    ({"prompt": "[sic] what?"}, [("user", "[sic] what?")], []),
    ({"prompt": "{'a': 1} is what?"}, [("user", "{'a': 1} is what?")], []),
]  # fmt: skip


@pytest.mark.parametrize(("row", "turns", "unread"), ROWS, ids=[json.dumps(row)[:60] for row, _, _ in ROWS])
def test_what_a_row_asks(row: dict[str, Any], turns: list[tuple[str, str]], unread: list[str], tmp_path: Path) -> None:
    loaded = load_prompts(str(lines(tmp_path / "p.jsonl", row)))
    assert asked(loaded) == [turns]
    assert loaded.prompt_set.unread == dict.fromkeys(unread, 1)
    told = [text for text in loaded.messages if text.startswith("columns that are not read")]
    assert told == (
        [f"columns that are not read, with their numbers of rows: {', '.join(f'{n} (1)' for n in sorted(unread))}"]
        if unread
        else []
    )


#: Rows that ask in columns which pairs know too: other names, and lists of turns, are of prompts alone.
PAIRED = [
    (row, turns, unread)
    for row, turns, unread in ROWS
    if not {"body", "text", "System", "conversations"} & row.keys() and not str(row.get("prompt")).startswith('["')
]


@pytest.mark.parametrize(("row", "turns", "unread"), PAIRED, ids=[json.dumps(row)[:60] for row, _, _ in PAIRED])
def test_pairs_read_the_same_question(
    row: dict[str, Any], turns: list[tuple[str, str]], unread: list[str], tmp_path: Path
) -> None:
    (pair,) = read_pairs(lines(tmp_path / "p.jsonl", row | {"chosen": "c", "rejected": "r"}))
    assert isinstance(pair, Pair), pair
    assert [(message["role"], message["content"]) for message in pair.messages] == turns
    assert set(pair.unread) == set(unread)


def test_two_prompts_that_differ_in_their_system_prompt_are_two(tmp_path: Path) -> None:
    rows = [{"system": f"Answer in {name} only.", "prompt": SEA, "base": "blue", "tuned": name} for name in "ab"]
    path = lines(tmp_path / "t.jsonl", *rows)
    loaded = load_prompts(str(path))
    assert (len(loaded.prompts), len({prompt.id for prompt in loaded.prompts})) == (2, 2)
    said: list[str] = []
    run = import_table(tmp_path / "reports", "r", lines(path, *(row | {"note": "x"} for row in rows)), say=said.append)
    assert [p.messages[0].content for p in run.prompts()] == ["Answer in a only.", "Answer in b only."]
    assert run.info.prompt_set.unread == {"note": 2}
    assert "columns that are not read, with their numbers of rows: note (2)" in said


@pytest.mark.parametrize(("first", "second"), [(81, 81.0), ("81", 81), (0, 0.0)])
def test_an_integral_float_is_that_integer(first: Any, second: Any, tmp_path: Path) -> None:
    rows = [{"prompt": "Same?", "id": one} for one in (first, second)]
    loaded = load_prompts(str(lines(tmp_path / "p.jsonl", *rows)))
    assert [prompt.id for prompt in loaded.prompts] == [str(int(second))]


def test_ids_that_pandas_made_floats_are_the_integers_that_they_were(tmp_path: Path) -> None:
    path = table(tmp_path / "p.csv", ["id", "prompt"], ["81.0", "a"], ["", "b"], ["82.0", "c"])
    ids = [prompt.id for prompt in load_prompts(str(path)).prompts]
    assert ids == ["81", ids[1], "82"]
    mixed = table(tmp_path / "q.csv", ["id", "prompt"], ["1.0", "a"], ["1.1", "b"])
    assert [prompt.id for prompt in load_prompts(str(mixed)).prompts] == ["1.0", "1.1"]


COLOUR = [("user", "Name a colour.")]
TWO = [COLOUR, [("user", "Name a tree.")]]
#: A file's name and bytes, and what it asks.
FILES: list[tuple[str, bytes, list[list[tuple[str, str]]]]] = [
    ("p.txt", b"Name a colour.\n\nName a tree.\n", TWO),
    ("p.jsonl.gz", gzip.compress(b'{"prompt": "Name a colour."}\n', mtime=0), [COLOUR]),
    ("p.csv.gz", gzip.compress(b"prompt\nName a colour.\n", mtime=0), [COLOUR]),
    ("p.ndjson", b'{"prompt": "Name a colour."}\n', [COLOUR]),
    ("p.json", b'{"version": "1", "data": [{"prompt": "Name a colour."}]}\n', [COLOUR]),
    (
        "p.json",
        b'{\n "version": "1",\n "data": [\n {"prompt": "Name a colour."},\n {"prompt": "Name a tree."}\n ]\n}',
        TWO,
    ),
    ("p.json", b'{"rows": [{"row_idx": 0, "row": {"prompt": "Name a colour."}, "truncated_cells": []}]}', [COLOUR]),
    ("p.json", b'{"prompt": "Name a colour."}', [COLOUR]),
    ("p.json", b'{"prompt": "Name a colour."}\n{"prompt": "Name a tree."}\n', TWO),
    ("p.jsonl", b'{\n  "prompt": "Name a colour."\n}\n{\n  "prompt": "Name a tree."\n}\n', TWO),
    ("p.jsonl", b'[\n{"prompt": "Name a colour."},\n{"prompt": "Name a tree."}\n]\n', TWO),
    ("p.json", b'["Name a colour.", "Name a tree."]', TWO),
    ("p.json", b'{"prompt": {"0": "Name a colour.", "1": "Name a tree."}, "id": {"0": 1, "1": 2}}', TWO),
    ("p.json", b'{"columns": ["prompt"], "index": [0, 1], "data": [["Name a colour."], ["Name a tree."]]}', TWO),
    ("p.json", b'{"messages": [{"role": "user", "content": "Name a colour."}]}', [COLOUR]),
    ("p.jsonl", '{"prompt": "Name a colour."}\n'.encode("utf-16"), [COLOUR]),
]


@pytest.mark.parametrize(("name", "data", "turns"), FILES, ids=[f"{name} {data[:40]!r}" for name, data, _ in FILES])
def test_every_layout_of_a_file(name: str, data: bytes, turns: list[Any], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    assert asked(load_prompts(str(tmp_path / name))) == turns


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("p.xlsx", b"PK\x03\x04", "p.xlsx: is a workbook, which is not read: save the sheet as CSV"),
        ("p.csv", b"PK\x03\x04abc", "p.csv: is an Excel workbook or another ZIP file: save it as CSV"),
        ("p.json", b'{"evalId": "e", "results": {"version": 3}}', "p.json:1: has no column with the prompt"),
        ("p.json", b'{"evalId": "e", "results": {"version": 3}}', "its columns are: evalId, results"),
        (
            "p.json",
            b'{"version": 1,\n"data": [\n{"prompt": "a"},\n{"q": "b"}]}',
            "p.json:4: has no column with the prompt",
        ),
        ("p.json", b'{"prompt": "a"', "p.json:1: is not JSON"),
        ("p.json", b'{\n"prompt": "a"\n}\n]\n', "p.json:4: a list is closed that was not opened"),
    ],
)
def test_a_file_that_is_no_rows_is_named_with_what_it_holds(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        load_prompts(str(tmp_path / name))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("nothing", [None, NAN])
def test_one_null_does_not_refuse_a_file(nothing: Any, tmp_path: Path) -> None:
    rows = [
        [{"instruction": f"Name {n}.", "output": f"{side} {n}", "generator": side} for n in range(3)] for side in "ab"
    ]
    rows[1][1]["output"] = nothing
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, one in zip(paths, rows, strict=True):
        path.write_text(json.dumps(one))
    said: list[str] = []
    run = import_alpaca_eval(tmp_path / "reports", "r", paths[0], paths[1], say=said.append)
    assert len(run.prompts()) == 2
    assert f"1 record of {paths[1]} has no output and is left out: line 1" in said
    assert any(line.startswith("1 answer of base without a match") for line in said)


CELL = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=6) | st.just("[{'role': 1")
ROW = st.dictionaries(st.sampled_from(["prompt", "id", "system", "context", "base", "tuned", "x"]), CELL, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(rows=st.lists(ROW | st.just([1]) | st.just("x"), min_size=1, max_size=6))
def test_every_row_of_a_file_is_a_record_or_an_exclusion_in_its_order(rows: list[Any], tmp_path: Path) -> None:
    found = list(read_rows(lines(tmp_path / "p.jsonl", *rows)))
    assert [row.line for row in found] == list(range(1, len(rows) + 1))
    objects = [row for row in rows if isinstance(row, dict)]
    (tmp_path / "p.json").write_text(json.dumps([*objects, {"last": 1}]))
    assert len(list(read_rows(tmp_path / "p.json"))) == len(objects) + 1
    kept = [row for row in found if isinstance(row, Record)]
    assert all(value == value for row in kept for value in row.values.values()), "no NaN comes out"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    numbers=st.lists(st.integers(0, 4), min_size=1, max_size=8),
    holes=st.sets(st.integers(0, 7)),
    suffix=st.sampled_from([".csv", ".jsonl", ".json"]),
)
def test_prompts_and_tables_use_or_count_every_row(
    numbers: list[int], holes: set[int], suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    rows = [
        {"prompt": f"Prompt {n}?", "base": "b", "tuned": None if at in holes else "t"} for at, n in enumerate(numbers)
    ]
    rows.append({"prompt": "One more?", "base": "b", "tuned": "t"})
    path = folder / f"t{suffix}"
    if suffix == ".csv":
        table(path, list(rows[0]), *([cell if cell is not None else "" for cell in row.values()] for row in rows))
    elif suffix == ".jsonl":
        lines(path, *rows)
    else:
        path.write_text(json.dumps(rows))
    prompts = load_prompts(str(path)).prompt_set
    assert prompts.asked + prompts.duplicates == len(rows)
    imported = import_table(folder / "reports", "r", path, say=lambda line: None).info.prompt_set
    assert imported.asked + imported.duplicates + imported.unjoined == len(rows)
