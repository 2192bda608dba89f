"""Preference data from real files: what is refused, what is cleaned, what is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.warm.warm import train_python
from train.data import fetch
from train.errors import PairsError, RecipeError
from train.pairs.check import check_file, check_rows, write_clean
from train.pairs.keys import normalise_prompt, prompt_key
from train.pairs.read import check_columns
from train.recipe import DataSet

ROLES = {"system": "system", "user": "user", "assistant": "assistant"}


def asked(type_: str = "chat_template.default", **changes: Any) -> DataSet:
    fields: dict[str, Any] = {
        "path": "pairs.jsonl", "split": "train", "type": type_, "field_messages": "messages",
        "field_chosen": "chosen", "field_rejected": "rejected", "role": "role", "content": "content", "roles": ROLES,
    }  # fmt: skip
    return DataSet(**{**fields, **changes})


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def pair(messages: Any = None, chosen: Any = "Zagreb.", rejected: Any = "Split, I think.") -> dict[str, Any]:
    return {
        "messages": [user("Capital of Croatia?")] if messages is None else messages,
        "chosen": assistant(chosen) if isinstance(chosen, str) else chosen,
        "rejected": assistant(rejected) if isinstance(rejected, str) else rejected,
    }


def write(path: Path, *rows: Any) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


BROKEN: list[tuple[str, Any, str]] = [
    ("empty answer", pair(chosen=" \n"), "chosen is empty"),
    ("empty rejected", pair(rejected=""), "rejected is empty"),
    ("same", pair(chosen="Yes. ", rejected=" Yes."), "chosen and rejected are the same text"),
    ("role as answer", pair(chosen="User"), "chosen is 'User', a role's name"),
    ("inside a role", pair(chosen="a"), "chosen is 'a', which Axolotl finds in what it puts before the answer"),
    ("inside the question", pair(rejected="message"), "rejected is 'message', which Axolotl finds in what it puts"),
    ("role as message", pair([user("assistant")]), "has the message 'assistant', a role's name"),
    ("empty message", pair([user("  ")]), "has an empty user message"),
    ("no message", pair([]), "does not end with the user's turn"),
    ("assistant last", pair([user("Hi"), assistant("Hello")]), "does not end with the user's turn"),
    ("two users", pair([user("Hi"), user("There?")]), "turn 2 is the user's where the assistant's should be"),
    ("late system", pair([user("Hi"), {"role": "system", "content": "x"}, user("?")]), "turn 2 is the system's"),
    ("unknown role", pair([{"role": "bot", "content": "Hi"}]), "has the unknown role 'bot'"),
    ("no chosen", {"messages": [user("Hi")], "rejected": assistant("x")}, "has no `chosen`"),
    ("user's answer", pair(chosen=user("Zagreb.")), "`chosen` is a turn of the user"),
    ("no content", pair([{"role": "user"}]), "has a message that is not {role, content}"),
    ("not JSON", '{"messages": ', "is not JSON"),
    ("no object", "[1]", "must be an object like"),
]


@pytest.mark.parametrize(("row", "said"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_broken_row_is_refused_with_file_and_line(row: Any, said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.jsonl", pair(), "", row, pair())
    with pytest.raises(PairsError) as caught:
        check_file(path, asked(path=str(path)))
    assert str(caught.value).startswith(f"{path}:3: ")
    assert said in str(caught.value)
    assert caught.value.line == 3


def test_white_space_is_taken_off_and_told(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.jsonl", pair(chosen=" Zagreb.\n"), pair(rejected="Split."))
    checked = check_file(path, asked())
    assert checked.changed
    assert checked.rows[0].chosen == "Zagreb."
    assert "1 row had white space at the ends of a text; it was removed" in checked.remarks()
    write_clean(checked, asked(), tmp_path / "clean.jsonl")
    again = check_file(tmp_path / "clean.jsonl", asked())
    assert not again.changed
    assert [row.chosen for row in again.rows] == ["Zagreb.", "Zagreb."]


def test_other_names_of_roles_are_rewritten_for_axolotl(tmp_path: Path) -> None:
    mine = asked(role="from", content="value", roles={"human": "user", "gpt": "assistant"})
    row = {
        "messages": [{"from": "human", "value": "Hi"}],
        "chosen": {"from": "gpt", "value": "Hello."},
        "rejected": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Good day to you."}],
    }
    checked = check_file(write(tmp_path / "pairs.jsonl", row), mine)
    assert checked.changed
    write_clean(checked, mine, tmp_path / "clean.jsonl")
    assert json.loads((tmp_path / "clean.jsonl").read_text(encoding="utf-8")) == {
        "messages": [user("Hi")],
        "chosen": assistant("Hello."),
        "rejected": assistant("Good day to you."),
    }


def test_few_pairs_and_duplicates_are_told(tmp_path: Path) -> None:
    remarks = check_file(write(tmp_path / "pairs.jsonl", pair(), pair()), asked()).remarks()
    assert any(said.startswith("2 pairs are few: under 500") for said in remarks)
    assert "1 row repeats an earlier row word for word" in remarks


def test_many_pairs_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.jsonl", *(pair([user(f"Question {i}?")]) for i in range(20_001)))
    remarks = check_file(path, asked()).remarks()
    assert [said[:24] for said in remarks] == ["20001 pairs are many: ov"]


def test_enough_clean_pairs_bring_no_remark(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.jsonl", *(pair([user(f"Question {i}?")]) for i in range(500)))
    checked = check_file(path, asked())
    assert checked.remarks() == []
    assert not checked.changed


def test_sft_rows_end_with_the_assistant(tmp_path: Path) -> None:
    sft = asked("chat_template")
    path = write(tmp_path / "sft.jsonl", {"messages": [user("Hi"), assistant("Hello.")]})
    assert check_file(path, sft).rows[0].chosen == "Hello."
    path = write(tmp_path / "bad.jsonl", {"messages": [user("Hi")]})
    with pytest.raises(PairsError, match=r"bad\.jsonl:1: does not end with an assistant's turn"):
        check_file(path, asked("chat_template", path=str(path)))


def test_a_json_list_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps([pair(), pair()], indent=1), encoding="utf-8")
    assert len(check_file(path, asked()).rows) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b'{"a": "\xff\xfe"}', "is not UTF-8"), (None, "there is no such file")],
)
def test_a_file_that_cannot_be_read(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PairsError, match=said):
        check_file(path, asked())


def test_a_mismatch_of_columns_is_named_with_the_likely_one() -> None:
    mine = asked(field_messages="conversation", path="someone/pairs")
    with pytest.raises(RecipeError) as caught:
        check_columns(["messages", "chosen", "rejected"], mine)
    assert str(caught.value) == (
        "the recipe asks for `conversation`; the data set someone/pairs has `messages, chosen, rejected`: "
        "set field_messages: messages"
    )


def test_the_key_of_a_prompt_is_blind_to_case_width_and_spaces() -> None:
    assert normalise_prompt(" What\tis  ＡＢＣ?\n") == "what is abc?"
    one = prompt_key([user("What is the capital of Croatia?")])
    assert one == prompt_key([user("  what is the CAPITAL of\nCroatia? "), assistant("Zagreb.")])
    assert one == prompt_key([{"role": "system", "content": "Be brief."}, user("What is the capital of Croatia?")])
    assert one != prompt_key([user("Hi"), assistant("Hello."), user("What is the capital of Croatia?")])
    assert len(one) == 64


def test_rows_of_the_hub_that_cannot_be_used_are_left_out_and_told() -> None:
    rows = [(1, pair()), (2, pair(chosen="")), (3, pair(rejected="Zagreb."))]
    checked = check_rows(rows, asked(path="someone/pairs"), leave_out=True)
    assert [row.line for row in checked.rows] == [1]
    assert checked.changed
    assert "2 rows were left out, the first: someone/pairs:2: chosen is empty" in checked.remarks()
    with pytest.raises(PairsError, match="has no row that can be trained on"):
        check_rows(rows[1:], asked(), leave_out=True)


@pytest.mark.train
def test_a_data_set_comes_through_the_train_environment(tmp_path: Path) -> None:
    """`datasets` reads a folder as it reads the Hub: the columns are all told, the wanted ones are written."""
    (tmp_path / "set").mkdir()
    write(tmp_path / "set" / "train.jsonl", {**pair(), "id": 1}, {**pair([user("Hi")]), "id": 2})
    columns = fetch(asked(path=str(tmp_path / "set")), tmp_path / "work" / "rows.jsonl", train_python().parents[1])
    assert sorted(columns) == ["chosen", "id", "messages", "rejected"]
    rows = [json.loads(line) for line in (tmp_path / "work" / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == [pair(), pair([user("Hi")])]


@pytest.mark.train
def test_of_several_configurations_one_is_asked_for_and_read(tmp_path: Path) -> None:
    folder, out = tmp_path / "set", tmp_path / "rows.jsonl"
    for name in ("en", "de"):
        (folder / name).mkdir(parents=True)
        write(folder / name / "train.jsonl", pair([user(name)]))
    files = "".join(f"- config_name: {name}\n  data_files: {name}/train.jsonl\n" for name in ("en", "de"))
    (folder / "README.md").write_text(f"---\nconfigs:\n{files}---\n")
    with pytest.raises(RecipeError, match=r"several configurations \('en', 'de'\): name one, as in hub:owner/name:"):
        fetch(asked(path=str(folder)), out, train_python().parents[1])
    fetch(asked(path=str(folder), name="de"), out, train_python().parents[1])
    assert [json.loads(line)["messages"] for line in out.read_text().splitlines()] == [[user("de")]]
