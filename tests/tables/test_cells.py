"""Cells that hold lists, conversations or marks of a template: read as what they are, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from blindside.tables.rows import Excluded
from eval.collect.prompts.prompt_set import load_prompts
from eval.errors import InputError
from tests.tables.reading import asked, lines, table
from train.pairs.convert import convert
from train.pairs.pair import Pair
from train.pairs.source import read_pairs

TURNS = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "A colour. Don't explain."}]


@pytest.mark.parametrize("written", [str, json.dumps, lambda turns: f"array({turns!r}, dtype=object)"])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_list_written_as_text_is_read_as_the_list(written: Any, suffix: str, tmp_path: Path) -> None:
    row = {
        "prompt": written(TURNS),
        "chosen": written([{"role": "assistant", "content": "Blue."}]),
        "rejected": "Red, because…",
    }
    path = tmp_path / f"p{suffix}"
    if suffix == ".csv":
        table(path, list(row), list(row.values()))
    elif suffix == ".jsonl":
        lines(path, row)
    else:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), path)
    assert asked(load_prompts(str(path))) == [[(turn["role"], turn["content"]) for turn in TURNS]]
    (pair,) = read_pairs(path)
    assert isinstance(pair, Pair)
    assert (list(pair.messages), pair.chosen, pair.rejected) == (TURNS, "Blue.", "Red, because…")


def test_whole_conversations_written_as_text(tmp_path: Path) -> None:
    both = [str([*TURNS, {"role": "assistant", "content": text}]) for text in ("Blue.", "Red.")]
    (pair,) = read_pairs(table(tmp_path / "p.csv", ["chosen", "rejected"], both))
    assert isinstance(pair, Pair)
    assert (list(pair.messages), pair.chosen, pair.rejected) == (TURNS, "Blue.", "Red.")


@pytest.mark.parametrize(
    "cell",
    [
        "[{'role': 'user', 'content': 'Why?'}\n {'role': 'assistant', 'content': 'So.'}]",
        "[{'role': 'user', 'content': 'Why",
        '[{"role": "user", "content": "Why?"}, …]',
        "['One?' 'Two?']",
    ],
)
def test_a_text_that_begins_like_a_list_and_is_none_is_refused(cell: str, tmp_path: Path) -> None:
    prompts = table(tmp_path / "p.csv", ["id", "prompt"], ["a", cell])
    with pytest.raises(InputError, match=r"p\.csv:2: `prompt` .*write the column as JSON"):
        load_prompts(str(prompts))
    if cell.startswith("[{"):
        (row,) = read_pairs(lines(tmp_path / "p.jsonl", {"prompt": cell, "chosen": "a", "rejected": "b"}))
        assert isinstance(row, Excluded)
        assert row.reason == "a list that cannot be read"


def test_an_answer_that_is_a_list_of_texts_stays_a_text(tmp_path: Path) -> None:
    row = {"prompt": "Two fruits as JSON?", "chosen": '["apple", "pear"]', "rejected": "['apple']"}
    (pair,) = read_pairs(lines(tmp_path / "p.jsonl", row))
    assert isinstance(pair, Pair)
    assert (pair.chosen, pair.rejected) == (row["chosen"], row["rejected"])


MARKS = [
    "<|im_start|>user\nHi",
    "[INST] Hi [/INST]",
    "### Instruction:\nHi",
    "Human: Hi",
    "<start_of_turn>user",
    "<|eot_id|>",
]


@pytest.mark.parametrize("text", MARKS)
def test_marks_of_a_chat_template_are_told(text: str, tmp_path: Path) -> None:
    row = {"prompt": text, "chosen": "a", "rejected": "b"}
    path = lines(
        tmp_path / "p.jsonl", row, {"prompt": "[INSTRUMENT] and Humans: plain", "chosen": "a", "rejected": "b"}
    )
    said: list[str] = []
    convert(path, tmp_path / "out.jsonl", say=said.append)
    told = [line for line in (*said, *load_prompts(str(path)).messages) if "mark-up of a chat template" in line]
    assert [line.split(" has ")[0] for line in told] == ["1 pair", "1 prompt"]
