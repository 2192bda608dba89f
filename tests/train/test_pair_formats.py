"""Formats in and out: the same pair comes back from every one, and no row is lost without being counted."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blindside.tables.rows import Excluded
from blindside.tables.turns import Fields
from tests.train.pair_formats import (
    CONVERSATIONAL,
    QUESTION,
    SYSTEM_AND_QUESTION,
    TRANSCRIPTS,
    Said,
    Write,
    assistant,
    file_of_kind,
    user,
)
from train.errors import PairsError
from train.pairs.convert import convert
from train.pairs.pair import Pair
from train.pairs.source import read_pairs

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
PLAIN_TEXT = TEXT.filter(lambda text: "\n\n" not in text and not text[:1].isspace() and text.strip() != "")
SYSTEM = {"role": "system", "content": "Be brief."}
FILES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
SAID = Said((user("Which city is Croatia's capital?"),), "Zagreb.", "Split, I think.")


@st.composite
def conversations(draw: st.DrawFn, text: st.SearchStrategy[str] = TEXT, turns: int = 3, system: bool = True) -> Said:
    texts = draw(st.lists(text, min_size=1, max_size=turns).filter(lambda drawn: len(drawn) % 2 == 1))
    messages = [user(one) if n % 2 == 0 else assistant(one) for n, one in enumerate(texts)]
    first = [SYSTEM] if system and draw(st.booleans()) else []
    chosen, rejected = draw(text), draw(text)
    return Said((*first, *messages), chosen, rejected + "!" if rejected == chosen else rejected)


def written(path: Path, rows: Iterable[Any]) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def pairs_in(path: Path, **how: Any) -> list[Pair]:
    rows = list(read_pairs(path, **how))
    assert not [str(row) for row in rows if isinstance(row, Excluded)]
    return [row for row in rows if isinstance(row, Pair)]


def said(pairs: Iterable[Pair]) -> list[Said]:
    return [Said(pair.messages, pair.chosen, pair.rejected) for pair in pairs]


def comes_back(folder: Path, write: Write, all_said: list[Said]) -> None:
    """Through the format, then through our own two formats, exactly as it was."""
    path = written(folder / "in.jsonl", map(write, all_said))
    assert said(pairs_in(path)) == all_said
    for out in (folder / "out.jsonl", folder / "out.jsonl.gz", folder / "out.parquet"):
        tally = convert(path, out, say=lambda line: None)
        assert (tally.read, tally.written, sum(tally.excluded.values())) == (len(all_said), len(all_said), 0)
        assert said(pairs_in(out)) == all_said


@pytest.mark.parametrize("name", CONVERSATIONAL)
@FILES
@given(all_said=st.lists(conversations(), min_size=1, max_size=3))
def test_conversations_come_back_from_every_format(name: str, all_said: list[Said], tmp_path: Path) -> None:
    comes_back(tmp_path, CONVERSATIONAL[name], all_said)


@pytest.mark.parametrize("name", SYSTEM_AND_QUESTION)
@FILES
@given(all_said=st.lists(conversations(PLAIN_TEXT, turns=1), min_size=1, max_size=3))
def test_questions_with_a_system_column_come_back(name: str, all_said: list[Said], tmp_path: Path) -> None:
    comes_back(tmp_path, SYSTEM_AND_QUESTION[name], all_said)


@pytest.mark.parametrize("name", QUESTION)
@FILES
@given(all_said=st.lists(conversations(PLAIN_TEXT, turns=1, system=False), min_size=1, max_size=3))
def test_ranked_and_scored_answers_come_back(name: str, all_said: list[Said], tmp_path: Path) -> None:
    comes_back(tmp_path, QUESTION[name], all_said)


@pytest.mark.parametrize("name", TRANSCRIPTS)
@FILES
@given(all_said=st.lists(conversations(PLAIN_TEXT, system=False), min_size=1, max_size=3))
def test_transcripts_come_back(name: str, all_said: list[Said], tmp_path: Path) -> None:
    comes_back(tmp_path, TRANSCRIPTS[name], all_said)


@FILES
@given(prompt=PLAIN_TEXT, chosen=TEXT, rejected=TEXT)
def test_a_shared_beginning_is_the_prompt_and_nothing_is_lost(
    prompt: str, chosen: str, rejected: str, tmp_path: Path
) -> None:
    row = {"chosen": f"{prompt} {chosen}", "rejected": f"{prompt} {rejected}"}
    (pair,) = pairs_in(written(tmp_path / "in.jsonl", [row]), format="shared-text")
    shared = pair.messages[0]["content"]
    assert (shared + pair.chosen, shared + pair.rejected) == (row["chosen"], row["rejected"])
    assert shared.startswith(prompt)


def test_columns_may_be_named(tmp_path: Path) -> None:
    own = {"q": "Why?", "sys": "Be kind.", "good": "Because.", "bad": "No."}
    fields = Fields(prompt="q", system="sys", chosen="good", rejected="bad")
    (pair,) = pairs_in(written(tmp_path / "in.jsonl", [own]), fields=fields)
    assert said([pair]) == [Said(({"role": "system", "content": "Be kind."}, user("Why?")), "Because.", "No.")]
    turned = {"dialog": [{"who": "customer", "text": "Why?"}], "good": "Because.", "bad": "No."}
    fields = Fields(
        prompt="dialog", chosen="good", rejected="bad", role="who", content="text", roles={"customer": "user"}
    )
    assert said(pairs_in(written(tmp_path / "in.jsonl", [turned]), fields=fields)) == [
        Said((user("Why?"),), "Because.", "No.")
    ]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".json", ".json.gz", ".parquet"])
def test_the_same_rows_come_out_of_every_kind_offile_of_kind(suffix: str, tmp_path: Path) -> None:
    plain = [
        {"prompt": "Say a, b\nand \"c\"", "chosen": "ä; b", "rejected": "[{not json"},
        {"prompt": "Two?", "chosen": " = yes", "rejected": "no"},
    ]  # fmt: skip
    listed = [CONVERSATIONAL["argilla_chat, TRL implicit"](SAID)]
    for rows in (plain, listed):
        path = file_of_kind(tmp_path / f"in{suffix}", rows)
        assert said(pairs_in(path)) == said(pairs_in(written(tmp_path / "same.jsonl", rows)))


AB = {"chosen": "a", "rejected": "b"}
BROKEN: list[tuple[Any, str, str]] = [
    ("{broken", "not a JSON object", "is not JSON"),
    ('["a list"]', "not a JSON object", "must be an object like"),
    ({"messages": [user("a")], "chosen": assistant("b")}, "malformed", "has no `rejected`"),
    ({"messages": [], "chosen": "a", "rejected": "b"}, "malformed", "`messages` is not a list of messages"),
    ({"messages": 7, "chosen": "a", "rejected": "b"}, "malformed", "`messages` is not a list of messages"),
    ({"messages": [user("a")], "chosen": 7, "rejected": "b"}, "malformed", "`chosen` is not a list of messages"),
    ({"messages": [{"role": "narrator", "content": "a"}], **AB}, "malformed", "unknown role 'narrator'"),
    ({"messages": [{"content": "a"}], **AB}, "malformed", "a message without a role"),
    ({"messages": [{"role": "user", "content": None}], **AB}, "malformed", "has no `messages.content`"),
    ({"messages": [user("a")], "chosen": user("b"), "rejected": "c"}, "malformed", "ends with the user's turn"),
    (
        {"messages": [user("a")], "chosen": [user("z"), assistant("b")], "rejected": "c"},
        "conflicting prefixes", "begins with other turns",
    ),
    (
        '{"messages": [{"role": "user", "content": "\\ud800"}], "chosen": "b", "rejected": "c"}',
        "malformed", "half a character",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("row", "reason", "detail"), BROKEN, ids=[detail for _, _, detail in BROKEN])
def test_a_broken_row_is_named_by_file_and_line_and_counted(row: Any, reason: str, detail: str, tmp_path: Path) -> None:
    good = CONVERSATIONAL["messages"](SAID)
    path = written(tmp_path / "in.jsonl", [good, "", row, good])
    rows = list(read_pairs(path))
    assert said(row for row in rows if isinstance(row, Pair)) == [SAID, SAID]
    (left_out,) = [row for row in rows if isinstance(row, Excluded)]
    assert str(left_out).startswith(f"{path}:3: ")
    assert detail in str(left_out)
    assert left_out.reason == reason
    told: list[str] = []
    tally = convert(path, tmp_path / "out.jsonl", say=told.append)
    assert (tally.read, tally.written, dict(tally.excluded)) == (3, 2, {reason: 1})
    assert f"1 left out: {reason}" in told
    assert any(f"{path}:3: " in line for line in told)


OTHER_BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"chosen": [user("a"), assistant("b")], "rejected": [user("z"), assistant("c")]}, "conflicting prefixes"),
    ({"chosen": [assistant("b")], "rejected": [assistant("c")]}, "malformed"),
    ({"prompt": "p", "answers": [{"answer": "a", "rank": 1}, {"answer": "b", "rank": 1}]}, "tied"),
    ({"prompt": "p", "answers": [{"answer": "a", "rank": 1}]}, "malformed"),
    ({"instruction": "p", "completions": [{"response": "a", "overall_score": 3}, {"response": "b"}]}, "malformed"),
    ({"prompt": "p", "response-1": "a", "response-2": "b", "x.responses": ["A", "B"]}, "people disagree"),
    ({"prompt": "p", "response-1": "a", "response-2": "b", "x.responses": ["tie"]}, "tied"),
    ({"prompt": "p", "response-1": "a", "response-2": "b", "x.responses": ["C"]}, "malformed"),
    ({"chosen": "all different", "rejected": "no shared words"}, "malformed"),
]


@pytest.mark.parametrize(("row", "reason"), OTHER_BROKEN)
def test_rows_that_leave_no_preference_are_counted_by_reason(row: dict[str, Any], reason: str, tmp_path: Path) -> None:
    (left_out,) = read_pairs(written(tmp_path / "in.jsonl", [row]))
    assert isinstance(left_out, Excluded)
    assert left_out.reason == reason
    with pytest.raises(PairsError, match=rf"gives no pair \(1 {reason}\); nothing was written"):
        convert(tmp_path / "in.jsonl", tmp_path / "out.jsonl", say=lambda line: None)
    assert not (tmp_path / "out.jsonl").exists()


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "messages", "chosen", "rejected", "prompt"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@FILES
@given(rows=st.lists(JUNK | conversations().map(CONVERSATIONAL["messages"]), max_size=8))
def test_whatever_the_rows_are_each_gives_a_pair_or_is_counted(rows: list[Any], tmp_path: Path) -> None:
    path = written(tmp_path / "in.jsonl", [json.dumps(row) for row in rows])
    found = list(read_pairs(path, format="messages")) if rows else []
    assert [row.line for row in found] == list(range(1, len(rows) + 1))
    kept = [row for row in found if isinstance(row, Pair)]
    if kept:
        tally = convert(path, tmp_path / "out.jsonl", format="messages", say=lambda line: None)
        assert tally.read == len(rows) == tally.written + sum(tally.excluded.values())
        assert said(pairs_in(tmp_path / "out.jsonl")) == said(kept)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("in.jsonl", b"", "is empty"),
        ("in.jsonl", b'\xff\xfe{"\x00', "is not complete UTF-16"),
        ("in.md", b"{}", "unknown format: name it .parquet, .jsonl"),
        ("in.jsonl", b'{"a": 1}\n', r"in\.jsonl:1: its columns \(a\) are no preference data"),
        ("in.jsonl.gz", b"no gzip", "is not a complete gzip file"),
        (
            "in.jsonl.gz",
            gzip.compress(b'{"prompt": "p", "chosen": "a"}' * 50, mtime=0)[:-9],
            "is not a complete gzip file",
        ),
        ("in.csv", b"prompt,chosen,chosen\na,b,c\n", "the header names 'chosen' twice"),
        ("in.csv", b'prompt,chosen,rejected\n"a" x,b,c\n', r"in\.csv:2: is not CSV"),
        ("in.json", b'[{"prompt": "p"', r"in\.json:1: is not JSON"),
        ("in.json", b"[", r"in\.json:1: the list is not closed"),
        ("in.parquet", b"PAR?", "is not Parquet"),
        ("in.jsonl", None, "there is no such file"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_one_sentence(
    name: str, content: bytes | None, error: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PairsError, match=error):
        list(read_pairs(path))


def test_a_csv_row_with_a_cell_too_many_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('prompt,chosen,rejected\n"two\nlines",b,c\na,b,c,d\nx,y,z\n', encoding="utf-8")
    first, second, third = read_pairs(path)
    assert (first.line, second.line, third.line) == (2, 4, 5)
    assert str(second) == f"{path}:4: has 4 cells where the header has 3: quote cells that contain a delimiter"


def test_id_and_source_travel_and_the_card_is_one_for_the_hub(tmp_path: Path) -> None:
    row = {**CONVERSATIONAL["messages"](SAID), "id": "p1", "source": {"run": "first", "verdicts": ["v1"]}}
    path = written(tmp_path / "in.jsonl", [row, {"messages": "x"}])
    for out in (tmp_path / "out.jsonl", tmp_path / "set.parquet"):
        convert(path, out, say=lambda line: None)
        (pair,) = pairs_in(out)
        assert (pair.id, pair.source) == ("p1", {"run": "first", "verdicts": ["v1"]})
    card = (tmp_path / "set.README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["configs"][0]["data_files"] == [{"split": "train", "path": "set.parquet"}]
    assert "- 1 row: malformed" in card
    recipe = yaml.safe_load(card.split("```yaml\n")[1].split("```")[0])
    assert recipe["datasets"][0]["type"] == "chat_template.default"


def test_the_same_pairs_are_the_same_bytes(tmp_path: Path) -> None:
    path = written(tmp_path / "in.jsonl", [CONVERSATIONAL["messages"](SAID)])
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        convert(path, tmp_path / name, say=lambda line: None)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    with pytest.raises(PairsError, match="unknown output format"):
        convert(path, tmp_path / "out.csv", say=lambda line: None)
