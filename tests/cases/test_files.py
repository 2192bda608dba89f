# ruff: noqa: E501 -- tables of real files
"""The cases about files, under their numbers: situations that people reported, each with the right value."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from eval.collect.prompts.hub import choose
from eval.collect.prompts.prompt_set import load_prompts
from eval.errors import InputError
from tests.cases.commands import answers, blindside, lines, opened

NAN = float("nan")
COLOUR = "Name a colour."


def asked(path: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Ids and turns of what a file asks."""
    return [(p.id, [(m.role, m.content) for m in p.messages]) for p in load_prompts(path).prompts]


def pairs(path: str = "out.jsonl") -> list[tuple[str, str, str]]:
    """What each pair asks last, what is chosen and what is rejected."""
    rows = map(json.loads, Path(path).read_text(encoding="utf-8").splitlines())
    return [(row["messages"][-1]["content"], row["chosen"]["content"], row["rejected"]["content"]) for row in rows]


SEA = "What colour is the sea?"
FRENCH = ("system", "Answer in French only.")


@pytest.mark.parametrize(
    ("row", "turns", "unread"),
    [
        ({"instruction": "When?", "context": "Leeds in 1881.", "response": "1881"},
         [("user", "When?\n\nLeeds in 1881.")], "response (1)"),
        ({"system_prompt": FRENCH[1], "question": SEA, "response": "bleue"}, [FRENCH, ("user", SEA)], "response (1)"),
        ({"system": FRENCH[1], "prompt": SEA}, [FRENCH, ("user", SEA)], ""),
        ({"prompt": "Summarise.", "input": "Leeds."}, [("user", "Summarise.\n\nLeeds.")], ""),
        ({"question": "What?", "choices": ["a mill", "a ship"], "answer": 0},
         [("user", "What?\n\nA. a mill\nB. a ship")], "answer (1)"),
        ({"system": FRENCH[1], "messages": [{"role": "user", "content": SEA}]}, [FRENCH, ("user", SEA)], ""),
    ],
)  # fmt: skip
def test_case_14_what_belongs_to_a_prompt_is_used_or_named(row: Any, turns: list[Any], unread: str) -> None:
    loaded = load_prompts(lines("p.jsonl", row))
    assert [(m.role, m.content) for m in loaded.prompts[0].messages] == turns
    assert any(unread in message for message in loaded.messages) or not unread


def test_case_14_prompts_that_differ_in_their_system_prompt_are_two() -> None:
    table = [{"system": f"In {name}.", "prompt": SEA, "base": "x", "tuned": name} for name in ("French", "German")]
    assert not blindside("import", "r", "--table", lines("t.jsonl", *table)).failed
    assert [prompt.messages[0].content for prompt in opened().prompts()] == ["In French.", "In German."]


TURN = {"role": "user", "content": COLOUR}
ONE = [("user", COLOUR)]
#: name -> (contents, turns of each prompt).
SHAPES: dict[str, tuple[str | bytes, list[Any]]] = {
    "parts.jsonl": (json.dumps({"messages": [{"role": "user", "content": [{"type": "text", "text": COLOUR}]}]}), [ONE]),
    "sharegpt.jsonl": (json.dumps({"conversations": [{"from": "human", "value": COLOUR}, {"from": "gpt", "value": "B"}]}), [ONE]),
    "sharegpt2.jsonl": (json.dumps({"conversation": [{"from": "human", "value": COLOUR}]}), [ONE]),
    "developer.jsonl": (json.dumps({"messages": [{"role": "developer", "content": "Be short."}, TURN]}), [[("system", "Be short."), *ONE]]),
    "empty.jsonl": (json.dumps({"messages": [{"role": "system", "content": ""}, TURN]}), [ONE]),
    "batch.jsonl": (json.dumps({"custom_id": "r", "body": {"model": "m", "messages": [TURN]}}), [ONE]),
    "p.txt": (f"{COLOUR}\nName a tree.\n", [ONE, [("user", "Name a tree.")]]),
    "p.jsonl.gz": (gzip.compress(json.dumps({"prompt": COLOUR}).encode()), [ONE]),
    "p.ndjson": (json.dumps({"prompt": COLOUR}), [ONE]),
    "wrapped.json": (json.dumps({"version": "1", "data": [{"prompt": COLOUR}]}, indent=2), [ONE]),
    "wrapped1.json": (json.dumps({"version": "1", "data": [{"prompt": COLOUR}]}), [ONE]),
    "pretty.jsonl": ('{\n "prompt": "Name a colour."\n}\n{\n "prompt": "Name a tree."\n}\n', [ONE, [("user", "Name a tree.")]]),
    "strings.json": (json.dumps([COLOUR]), [ONE]),
    "pandas.json": (json.dumps({"prompt": {"0": COLOUR}}), [ONE]),
    "nan.jsonl": ('{"prompt":"Name a colour.","category":NaN,"id":NaN}\n{"prompt":"Name a tree.","category":NaN,"id":NaN}\n', [ONE, [("user", "Name a tree.")]]),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_case_15_prompts_of_every_shape(name: str) -> None:
    contents, turns = SHAPES[name]
    Path(name).write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    assert [found for _, found in asked(name)] == turns


def test_case_15_ids_and_workbooks() -> None:
    assert [id for id, _ in asked(lines("p.jsonl", {"prompt": COLOUR, "id": 0}, {"prompt": SEA, "id": 1.0}))] == [
        "0",
        "1",
    ]
    Path("answers.xlsx").write_text("x")
    with pytest.raises(InputError, match=r"answers\.xlsx: is a workbook, which is not read: save the sheet as CSV"):
        load_prompts("answers.xlsx")


def table(text: str, encoding: str = "utf-8") -> bytes:
    return text.encode(encoding)


#: name -> (bytes, prompts and both answers)
SHEETS: dict[str, tuple[bytes, list[tuple[str, str, str]]]] = {
    "sep": (table('sep=;\r\nprompt;base;tuned\r\n"What is 1,5 + 1?";2,5;2,5!\r\n'), [("What is 1,5 + 1?", "2,5", "2,5!")]),
    "semi": (table('prompt;base;tuned\r\n"What is 1,5 + 1?";2,5;2,5!\r\n'), [("What is 1,5 + 1?", "2,5", "2,5!")]),
    "empties": (table("prompt,base,tuned,,\r\nA?,B.,C.,,\r\n,,,,\r\nD?,E.,F.,,\r\n,,,,\r\n"), [("A?", "B.", "C."), ("D?", "E.", "F.")]),
    "utf16": (table("prompt\tbase\ttuned\r\nName é.\tB.\tC.\r\n", "utf-16"), [("Name é.", "B.", "C.")]),
    "utf16nobom": (table("prompt,base,tuned\r\nName a colour.,B.,C.\r\n", "utf-16-le"), [(COLOUR, "B.", "C.")]),
    "cp1252": (table("prompt,base,tuned\r\nName a café.,B – “x”.,C.\r\n", "cp1252"), [("Name a café.", "B – “x”.", "C.")]),
    "mac": (table("prompt;base;tuned\rA, or two, or, say, three.;B.;C.\rD?;E.;F.\r"), [("A, or two, or, say, three.", "B.", "C."), ("D?", "E.", "F.")]),
}  # fmt: skip


@pytest.mark.parametrize("name", SHEETS)
def test_case_16_spreadsheets_are_read_by_one_reader(name: str) -> None:
    data, rows = SHEETS[name]
    Path("t.csv").write_bytes(data)
    assert not blindside("import", "r", "--table", "t.csv").failed
    found = answers()
    texts = [(p.messages[0].content, found[p.id, "base"].text, found[p.id, "tuned"].text) for p in opened().prompts()]
    assert texts == rows
    assert [turns[0][1] for _, turns in asked("t.csv")] == [row[0] for row in rows]
    encoding = {"utf16": "utf-16", "utf16nobom": "utf-16-le", "cp1252": "cp1252"}.get(name, "utf-8")
    text = data.decode(encoding).replace("base", "chosen", 1).replace("tuned", "rejected", 1)
    Path("pairs.csv").write_bytes(text.encode(encoding))
    assert not blindside("pairs", "convert", "pairs.csv", "out.jsonl").failed
    assert pairs() == rows


def test_case_16_headers_with_line_breaks_and_commas() -> None:
    Path("m.csv").write_bytes(b'"prompt\nof the user",base,tuned\n"Name\na colour.","Blue.\n\nOr: ""green"".",Red.\n')
    done = blindside("import", "m", "--table", "m.csv", "--prompt-column", "prompt\nof the user")
    assert not done.failed, done.said
    (prompt,) = opened("m").prompts()
    assert prompt.messages[0].content == "Name\na colour."
    assert answers("m")[prompt.id, "base"].text == 'Blue.\n\nOr: "green".'
    Path("c.tsv").write_text("prompt\tbase, as it was (v1, v2)\ttuned\r\nName a colour.\tBlue.\tRed.\r\n")
    assert not blindside("import", "c", "--table", "c.tsv", "--base-column", "base, as it was (v1, v2)").failed


def conversation(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def arena(**more: Any) -> list[dict[str, Any]]:
    winners = ("model_a", "model_b", "tie", "tie (bothbad)")
    return [
        {"question_id": f"q{n}", "model_a": "one", "model_b": "two", "winner": winner, "turn": 1,
         "conversation_a": conversation(f"Q{n}?", "Blue."), "conversation_b": conversation(f"Q{n}?", "Red."), **more}
        for n, winner in enumerate(winners)
    ]  # fmt: skip


VOTES: dict[str, list[dict[str, Any]]] = {
    "arena": arena(tstamp=1.7e9),
    "mt-bench": arena(judge="author_1"),
    "arena55k": [
        {"id": n, "prompt": json.dumps([f"Q{n}?"]), "response_a": json.dumps(["Blue."]), "response_b": json.dumps(["Red."]),
         "winner_model_a": int(n == 0), "winner_model_b": int(n == 1), "winner_tie": int(n == 2)} for n in range(3)
    ],
    "saferlhf": [
        {"prompt": f"Q{n}?", "response_0": "Blue.", "response_1": "Red.", "better_response_id": n} for n in range(2)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", VOTES)
def test_case_17_votes_of_arenas(name: str) -> None:
    done = blindside("pairs", "from-choices", lines("v.jsonl", *VOTES[name]), "out.jsonl")
    assert not done.failed, done.said
    assert pairs() == [("Q0?", "Blue.", "Red."), ("Q1?", "Red.", "Blue.")]
    assert " is read as: " in done.said


@pytest.mark.parametrize(
    ("column", "codes"),
    [("label", [0, 1, 0, 1]), ("preference", [-1, 1, 0, -1]), ("preference", [1, 5, 3, 2]), ("choice", [1, 2, 1, 2])],
)
def test_case_18_codes_are_never_inverted(column: str, codes: list[int]) -> None:
    first = {min(codes), *({2} if 5 in codes else ())}
    tied = {0 if -1 in codes else 3 if 5 in codes else None}
    rows = [
        {"prompt": f"Q{n}?", "response_a": "GOOD" if code in first else "BAD",
         "response_b": "BAD" if code in first else "GOOD", column: code}
        for n, code in enumerate(codes)
    ]  # fmt: skip
    done = blindside("pairs", "from-choices", lines("v.jsonl", *rows), "out.jsonl")
    assert not done.failed, done.said
    assert pairs() == [(f"Q{n}?", "GOOD", "BAD") for n, code in enumerate(codes) if code not in tied]


def test_case_18_a_missing_choice_is_missing() -> None:
    common = {"a": "Blue.", "b": "Red."}
    rows = (
        {"prompt": "1", **common, "choice": None},
        {"prompt": "2", **common, "choice": "a"},
        {"prompt": "3", **common},
    )
    done = blindside("pairs", "from-choices", lines("v.jsonl", *rows), "out.jsonl")
    assert pairs() == [("2", "Blue.", "Red.")]
    assert "2 left out: no choice" in done.said
    none = [{"prompt": "1", **common, "mine": "a"}]
    assert blindside("pairs", "from-choices", lines("w.jsonl", *none), "x.jsonl").failed


@pytest.mark.parametrize(
    ("files", "split", "chosen"),
    [
        (
            ["main/test-0.parquet", "socratic/test-0.parquet"],
            "test",
            "several configurations (main/test, socratic/test)",
        ),
        (["de/test-0.parquet", "en/test-0.parquet"], "test", "several configurations (de/test, en/test)"),
        (
            ["data/train_prefs-0.parquet", "data/train_sft-0.parquet", "data/test_prefs-0.parquet"],
            None,
            "several splits",
        ),
        (["raw/question.jsonl", "README.md"], None, ["raw/question.jsonl"]),
        (["dolly-15k.jsonl", "README.md", ".gitattributes"], None, ["dolly-15k.jsonl"]),
        (["base/train.jsonl.gz", "base/test.jsonl.gz", "helpful/train.jsonl.gz"], "test", ["base/test.jsonl.gz"]),
        (["prompts.jsonl", "dataset_infos.json", "config.json"], None, ["prompts.jsonl"]),
        (["data.csv", "dataset_infos.json"], None, ["data.csv"]),
        (["my_set_train.jsonl", "my_set_test.jsonl"], "test", ["my_set_test.jsonl"]),
        (["data/val.jsonl", "data/train.jsonl"], "validation", ["data/val.jsonl"]),
    ],
)
def test_case_22_configurations_and_splits_are_never_mixed(
    files: list[str], split: str | None, chosen: list[str] | str
) -> None:
    if isinstance(chosen, list):
        assert choose(files, split, "hub:org/set") == chosen
        return
    with pytest.raises(InputError) as caught:
        choose(files, split, "hub:org/set")
    assert chosen in str(caught.value)
    assert "choose one, as in hub:org/set:" in str(caught.value)


GOOD = [{"instruction": q, "output": a, "generator": "a"} for q, a in ((COLOUR, "Blue."), ("Name a tree.", "Oak."))]


@pytest.mark.parametrize("nothing", [None, NAN])
def test_case_27_one_null_does_not_refuse_a_file(nothing: Any) -> None:
    Path("good.json").write_text(json.dumps(GOOD))
    Path("bad.json").write_text(json.dumps([{**GOOD[0], "output": "Red."}, {**GOOD[1], "output": nothing}]))
    done = blindside("import", "r", "--base", "good.json", "--tuned", "bad.json")
    assert "1 record of bad.json has no output and is left out" in done.said
    assert len(answers()) == 2


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"doc_id": 0, "doc": {"prompt": COLOUR}, "filtered_resps": ["Blue."]}, "its columns are: doc_id, doc, filtered_resps"),
        ({"input_text": COLOUR, "output_text_a": "Blue.", "output_text_b": "Red."}, "its columns are: input_text, output_text_a"),
        ({"custom_id": "a", "response": {"status_code": 200}}, "its columns are: custom_id, response"),
        ({"prompt": COLOUR, "base": ["Blue."], "tuned": ["Red."]}, "base must be a text, and is a list"),
        ({"prompt": COLOUR, "base": 5, "tuned": 5.0}, "base must be a text, and is a number"),
    ],
)  # fmt: skip
def test_case_27_files_of_others_are_named_with_what_they_hold(row: dict[str, Any], said: str) -> None:
    done = blindside("import", "r", "--table", lines("t.jsonl", row))
    assert done.failed
    assert said in done.said


def test_case_27_nan_is_null_and_repeats_are_told() -> None:
    rows = (
        {"prompt": COLOUR, "base": "Blue.", "tuned": "Red."}, {"prompt": f"{COLOUR} ", "base": "x", "tuned": "Red."},
        {"prompt": "Name a tree.", "base": NAN, "tuned": "Elm."},
    )  # fmt: skip
    done = blindside("import", "r", "--table", lines("t.jsonl", *rows))
    assert "1 record repeats an earlier prompt and is left out: line 2 (first in line 1, other answers)" in done.said
    assert "1 record lacks an answer and is left out: line 3" in done.said
    frame = {"instruction": {"0": COLOUR}, "output": {"0": "Red."}, "generator": {"0": "b"}}
    Path("good.json").write_text(json.dumps(GOOD))
    Path("frame.json").write_text(json.dumps(frame))
    assert not blindside("import", "f", "--base", "good.json", "--tuned", "frame.json").failed


def rated(*answers: tuple[str, float]) -> dict[str, Any]:
    return {
        "instruction": COLOUR,
        "completions": [{"response": text, "overall_score": score} for text, score in answers],
    }


@pytest.mark.parametrize(
    "row",
    [
        rated(("NOT RATED", NAN), ("GOOD", 9.0), ("BAD", 2.0)),
        rated(("GOOD", 9.0), ("NOT RATED", NAN), ("BAD", 2.0)),
        rated(("GOOD", 9.0), ("BAD", 2.0), ("NOT RATED", NAN)),
        {"prompt": COLOUR, "answers": [{"answer": "NOT RANKED", "rank": NAN}, {"answer": "GOOD", "rank": 1.0}, {"answer": "BAD", "rank": 7.0}]},
        {"instruction": COLOUR, "generations": ["GOOD", "BAD"], "ratings": [9, 2]},
    ],
)  # fmt: skip
def test_case_34_what_is_not_rated_never_wins_nor_loses(row: dict[str, Any]) -> None:
    assert not blindside("pairs", "convert", lines("s.jsonl", row), "out.jsonl").failed
    assert pairs() == [(COLOUR, "GOOD", "BAD")]


def test_case_34_rows_without_two_ratings_are_counted() -> None:
    rows = (rated(("A", NAN), ("B", NAN)), rated(("GOOD", 9.0), ("BAD", 2.0)), rated(("A", 3.0), ("B", 3.0)))
    done = blindside("pairs", "convert", lines("s.jsonl", *rows), "out.jsonl")
    assert "1 left out: malformed" in done.said
    assert "1 left out: tied" in done.said
    assert pairs() == [(COLOUR, "GOOD", "BAD")]


def cells(header: list[str], *rows: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue()


def test_case_35_lists_as_pandas_writes_them_are_lists() -> None:
    said = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Name it. Don't explain."}]
    Path("p.csv").write_text(cells(["id", "messages"], ["a", str(said)]))
    assert asked("p.csv") == [("a", [("system", "Be short."), ("user", "Name it. Don't explain.")])]
    Path("t.csv").write_text(cells(["question_id", "turns"], ["81", str(["Name a colour.", "And a tree."])]))
    assert asked("t.csv") == [("81", ONE)]
    Path("n.csv").write_text(cells(["id", "prompt"], ["a", "[{'content': 'Name a colour.', 'role': 'user'}]"]))
    assert asked("n.csv") == [("a", ONE)]
    for name, row in (
        ("pairs", [str(said[1:]), str([{"role": "assistant", "content": "Blue."}]), str([{"role": "assistant", "content": "Red…"}])]),
        ("full", ["", str([*said, {"role": "assistant", "content": "Blue."}]), str([*said, {"role": "assistant", "content": "Red…"}])]),
    ):  # fmt: skip
        header, values = (["prompt", "chosen", "rejected"], row) if row[0] else (["chosen", "rejected"], row[1:])
        Path(f"{name}.csv").write_text(cells(header, values))
        assert not blindside("pairs", "convert", f"{name}.csv", f"{name}.jsonl").failed
        assert pairs(f"{name}.jsonl") == [("Name it. Don't explain.", "Blue.", "Red…")]
