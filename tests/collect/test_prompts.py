"""Prompt sets: every format that is read, what is left out, and what a broken file is reported."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.collect.prompts.prompt_set import load_prompts
from eval.errors import InputError
from tests.support import ROOT
from train.pairs.keys import prompt_key

TWO: list[dict[str, Any]] = [
    {"id": "a", "prompt": "What is rain?", "category": "facts"},
    {"id": "b", "prompt": '雨是什么?\nSay it in one line, "please".', "category": "multilingual"},
]


def write(path: Path, rows: list[dict[str, Any]], **options: Any) -> str:
    """Rows in the format that the suffix names."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(rows[0]), delimiter={".tsv": "\t"}.get(path.suffix, ","), **options)
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(out.getvalue(), encoding="utf-8", newline="")
    return str(path)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".tsv", ".parquet"])
def test_every_format_gives_the_same_prompts(tmp_path: Path, suffix: str) -> None:
    loaded = load_prompts(write(tmp_path / f"p{suffix}", TWO))
    assert [(p.id, p.messages[0].content, p.category) for p in loaded.prompts] == [
        (row["id"], row["prompt"], row["category"]) for row in TWO
    ]
    assert (loaded.prompt_set.asked, loaded.messages) == (2, [])
    assert loaded.prompt_set.sha256 == load_prompts(write(tmp_path / "same.jsonl", TWO)).prompt_set.sha256


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        ({"instruction": "Sort these", "input": "b, a"}, "Sort these\n\nb, a"),
        ({"instruction": "Sort these", "input": ""}, "Sort these"),
        ({"Question": "Why?"}, "Why?"),
        ({"text": "Why?"}, "Why?"),
        ({"question_id": 7, "turns": ["Why?", "And then?"]}, "Why?"),
        ({"prompt": [{"role": "user", "content": "Why?"}]}, "Why?"),
        ({"messages": [{"role": "user", "content": "Why?"}], "prompt": "other"}, "Why?"),
        ({"conversation": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]}, "Why?"),
    ],
)
def test_columns_of_the_usual_data_sets_are_understood(tmp_path: Path, row: dict[str, Any], asked: str) -> None:
    [prompt] = load_prompts(write(tmp_path / "p.jsonl", [row])).prompts
    assert prompt.messages[-1].content == asked


def test_conversations_keep_their_turns_and_lose_the_answer_that_is_to_be_given(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "So."},
    ]
    loaded = load_prompts(write(tmp_path / "p.jsonl", [{"messages": turns}]))
    assert [(m.role, m.content) for m in loaded.prompts[0].messages] == [(t["role"], t["content"]) for t in turns[:4]]
    assert loaded.messages == ["1 conversation ends with an answer, which is left out"]


def test_messages_in_a_csv_cell_are_read_and_a_text_that_only_looks_like_a_list_is_not(tmp_path: Path) -> None:
    cells = [json.dumps([{"role": "user", "content": "Why?"}]), "[1, 2, 3]", "[sic] what?"]
    loaded = load_prompts(write(tmp_path / "p.csv", [{"prompt": cell} for cell in cells]))
    assert [prompt.messages[0].content for prompt in loaded.prompts] == ["Why?", "[1, 2, 3]", "[sic] what?"]


def test_later_turns_are_left_out_and_told(tmp_path: Path) -> None:
    loaded = load_prompts(write(tmp_path / "p.jsonl", [{"turns": ["Why?", "And?"]}, {"turns": ["How?"]}]))
    assert loaded.messages == ["1 prompt has several turns: only the first is asked"]


def test_ids_come_from_the_content_where_none_are_given_and_do_not_depend_on_the_place(tmp_path: Path) -> None:
    rows = [{"prompt": "Why?"}, {"prompt": "How?"}]
    ids = {p.messages[0].content: p.id for p in load_prompts(write(tmp_path / "a.jsonl", rows)).prompts}
    again = {p.messages[0].content: p.id for p in load_prompts(write(tmp_path / "b.csv", rows[::-1])).prompts}
    assert ids == again
    assert len(set(ids.values())) == 2


def test_an_excel_file_with_semicolons_and_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes("\ufeffid;prompt\r\n1;Why, then?\r\n".encode())
    [prompt] = load_prompts(str(path)).prompts
    assert (prompt.id, prompt.messages[0].content) == ("1", "Why, then?")


def test_the_same_prompt_is_asked_once_and_counted(tmp_path: Path) -> None:
    rows = [{"id": "a", "prompt": "Why?"}, {"id": "a", "prompt": "Why?"}, {"id": "c", "prompt": " Why?\n"}]
    loaded = load_prompts(write(tmp_path / "p.jsonl", rows))
    assert [prompt.id for prompt in loaded.prompts] == ["a"]
    assert loaded.prompt_set.duplicates == 2
    assert loaded.messages == ["2 duplicate prompts left out"]


def test_one_id_for_two_prompts_is_refused_with_both_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", [{"id": "a", "prompt": "Why?"}, {"id": "a", "prompt": "How?"}])
    with pytest.raises(InputError, match=r"p\.jsonl:2: id a has another prompt in line 1: give each prompt its own id"):
        load_prompts(path)


def test_what_the_model_was_trained_on_is_not_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", TWO)
    trained = prompt_key([{"role": "system", "content": "other"}, {"role": "user", "content": "what is  RAIN?"}])
    loaded = load_prompts(path, training_keys=frozenset({trained, "0" * 64}))
    assert [prompt.id for prompt in loaded.prompts] == ["b"]
    assert (loaded.prompt_set.asked, loaded.prompt_set.in_training_data) == (1, 1)
    assert loaded.messages == ["1 prompt left out: the model was trained on them"]


def test_a_set_that_is_all_training_data_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", TWO[:1])
    keys = frozenset({prompt_key([{"role": "user", "content": TWO[0]["prompt"]}])})
    with pytest.raises(InputError, match="all of its 1 prompts are training data: give others"):
        load_prompts(path, training_keys=keys)


def test_a_limit_keeps_the_first_and_changes_the_identity(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", TWO)
    loaded = load_prompts(path, limit=1)
    assert [prompt.id for prompt in loaded.prompts] == ["a"]
    assert loaded.messages == ["the first 1 of 2 prompts are asked"]
    assert loaded.prompt_set.sha256 != load_prompts(path).prompt_set.sha256


def lines_with(broken: str, at: int = 17) -> str:
    good = [json.dumps({"prompt": f"Question {number}?"}) for number in range(1, 25)]
    return "\n".join([*good[: at - 1], broken, *good[at:]]) + "\n"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ('{"prompt": "Why?"', "is not JSON (Expecting ',' delimiter, column 18): correct or remove the line"),
        ("[1]", 'must be an object like {"prompt": …}, not a list'),
        ("null", "not null"),
        ('{"prompt": ""}', "prompt is empty: fill it, or remove the record"),
        ('{"prompt": null}', "prompt is empty"),
        (
            '{"question_text": "Why?"}',
            "has no column with the prompt (one of messages, conversation, conversations, prompt,",
        ),
        ("{}", "its columns are: none"),
        ('{"prompt": 5}', "the prompt must be a text or a list of messages"),
        ('{"messages": [{"role": "narrator", "content": "Why?"}]}', "`messages` has the unknown role 'narrator'"),
        ('{"messages": [{"role": "tool", "content": "7"}]}', "message 1 is of a tool, which is not supported"),
        ('{"messages": [{"role": "user", "content": "Why?"}, {"role": "user"}]}', "has no `messages.content`"),
        ('{"messages": [{"role": "user", "content": " "}]}', "message 1 is empty"),
        ('{"messages": [{"role": "system", "content": "Hi"}]}', "the last message must be the user's"),
        ('{"messages": ["Why?", 3]}', "`messages` is not a list of messages"),
        ('{"turns": ["", "Why?"]}', "the first turn is empty"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_broken_line_17_is_named_in_one_sentence(tmp_path: Path, broken: str, said: str) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(lines_with(broken))
    with pytest.raises(InputError) as caught:
        load_prompts(str(path))
    text = str(caught.value)
    assert text.startswith(f"{path}:17: ")
    assert said in text
    assert "\n" not in text
    assert caught.value.line == 17


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("p.jsonl", b"", ": has no records: give a file with at least one"),
        ("p.csv", b"", ": has no records"),
        ("p.csv", b"id,prompt\n", ": has no records"),
        ("p.json", b"[]", ": has no records"),
        ("p.json", b'[{"prompt": "a"},\n', ":2: the list is not closed: is the file complete?"),
        ("p.json", b'[{"prompt": "a"},\n{"prompt": }]', ":2: is not JSON (Expecting value): correct it there"),
        ("p.json", b'[{"prompt": "a"},\n7]', ':2: must be an object like {"prompt": …}, not a number'),
        ("p.jsonl", '{"prompt": "a"}\n{"prompt": "é"}\n'.encode("latin-1"), ":2: is not UTF-8: save it as UTF-8"),
        ("p.csv", '"prompt"\n"a"\n'.encode("utf-16")[:-1], ": is not complete UTF-16: save it as UTF-8"),
        ("p.csv", b"id,text_of_it\n1,Why?\n", ":2: has no column with the prompt"),
        ("p.csv", b"id,prompt\n1,Why?\n2,a,b\n", ":3: has 3 cells where the header has 2"),
        ("p.csv", b'id,prompt\n1,"a\nb"\n2\n', ":4: has 1 cell where the header has 2"),
        ("p.csv", b'id,prompt\n1,"a\n2,b\n', ":2: is not CSV (unexpected end of data): correct the row"),
        ("p.csv", b"prompt,prompt\na,b\n", ":1: the header names 'prompt' twice: rename one column"),
        ("p.parquet", b"PAR1 not really", ": is not Parquet ("),
        ("p.md", b"Why?\n", ": unknown format: name it .parquet, .jsonl, .ndjson, .json, .csv, .tsv, .txt"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_sentence(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        load_prompts(str(path))
    assert str(caught.value).startswith(f"{path}{said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.jsonl", "missing.csv", "missing.parquet"])
def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"there is no such file: check the path"):
        load_prompts(str(tmp_path / name))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").mkdir()
    with pytest.raises(InputError, match=r"can't be read \(Is a directory\)"):
        load_prompts(str(tmp_path / "p.jsonl"))


def test_our_own_prompts_are_sixty_in_eight_categories() -> None:
    loaded = load_prompts(str(ROOT / "eval" / "collect" / "data" / "general.jsonl"))
    categories = {prompt.category for prompt in loaded.prompts}
    assert (len(loaded.prompts), len(categories), loaded.messages) == (60, 8, [])


texts = st.text(min_size=1, max_size=60).filter(lambda text: text.strip() != "" and "\x00" not in text)


@given(st.lists(texts, min_size=1, max_size=8))
def test_any_text_comes_through_jsonl_and_csv_alike(tmp_path_factory: pytest.TempPathFactory, asked: list[str]) -> None:
    folder = tmp_path_factory.mktemp("prompts")
    rows = [{"prompt": text} for text in asked]
    one = load_prompts(write(folder / "p.jsonl", rows))
    two = load_prompts(write(folder / "p.csv", rows, quoting=csv.QUOTE_ALL))
    assert [p.messages[0].content for p in one.prompts] == [p.messages[0].content for p in two.prompts]
    assert len(one.prompts) + one.prompt_set.duplicates == len(asked)
    assert {p.messages[0].content.strip() for p in one.prompts} == {text.strip() for text in asked}
    assert len({p.id for p in one.prompts}) == len(one.prompts)
