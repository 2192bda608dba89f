"""docs/formats.md has every layout that is read: each name of the code stands in it."""

from __future__ import annotations

import re

import pytest

from blindside.tables import codes, json_rows
from blindside.tables.prompt_columns import CONVERSATION, PARTS, QUESTION, SYSTEM
from blindside.tables.reader import SUFFIXES
from eval.collect.input_records import ID
from eval.collect.prompts.parser import CATEGORY, CLUSTER
from eval.records import ENDINGS, Response
from eval.run_info import PromptSet
from tests.support import ROOT
from train.pairs import choices, feedback
from train.pairs.formats import NAMES

DOC = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
#: Texts between backticks, and their parts: `a`/`b` and "`response` with `_0`/`_1`" name columns by parts.
NAMED = set(re.findall(r"`([^`\n]+)`", DOC))
WORDS = {word for text in NAMED for word in re.findall(r"[\w.-]+", text)} | NAMED


def parts_of(column: str) -> tuple[str, ...]:
    """response_a is reported as response with _a."""
    stem, _, end = column.rpartition("_")
    return (column,) if column in WORDS or not stem else (stem, f"_{end}")


@pytest.mark.parametrize(
    "names",
    [
        NAMES,
        (*CONVERSATION, *QUESTION, *SYSTEM, *PARTS, *ID, *CATEGORY, *CLUSTER, "expect", "body"),
        SUFFIXES,
        json_rows._AROUND,
        codes.CHOICE,
        choices._ONE_HOT,
        choices._VOTES,
        [name for first, second, _ in codes.ANSWERS for one in (first, second) for name in parts_of(one)],
        (*feedback._ANSWER, *feedback._EDIT, *feedback._THUMB),
        [field for field in Response.model_fields if field != "kind"],
        ("records", "left_out", "unread"),
        [reason for reason, ending in ENDINGS.items() if ending == "cut"],
    ],
    ids=["pairs", "prompts", "suffixes", "around rows", "choices", "winners", "votes", "answers", "thumbs and edits",
         "responses", "counts", "cut"],
)  # fmt: skip
def test_every_name_is_told(names: list[str]) -> None:
    assert [name for name in names if name not in WORDS] == []
    assert {"records", "left_out", "unread"} <= PromptSet.model_fields.keys()
