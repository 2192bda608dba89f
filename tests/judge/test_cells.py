"""A cell comes back as it was, and no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eval.judge.cells import HEADER, LONGEST, encode_row, neutralise, restore, storable
from eval.judge.store import read_verdicts
from tests.judge.verdicts import verdict

TRICKY = st.text(alphabet=st.sampled_from("'\"=+-@\t\r\n, ;ab\0\u2028\x85é汉😀＝"), max_size=12)
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), TRICKY)


@given(TEXTS, TEXTS.filter(bool), TEXTS)
@example("'=1+1", "''=cmd|' /C calc'!A0", "'tis")
@example("a\rb", "\r\n", "\ufeff=1")
def test_any_text_comes_back_from_the_file(comment: str, reviewer: str, category: str) -> None:
    row = verdict(comment=comment, reviewer=reviewer, category=category)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "verdicts.csv"
        path.write_bytes(HEADER + encode_row(row) + encode_row(verdict(1)))
        back, following = read_verdicts(path)
    assert back == row.model_copy(
        update={"comment": storable(comment), "reviewer": storable(reviewer), "category": storable(category)}
    )
    assert following == verdict(1)


@given(TEXTS)
def test_no_cell_begins_with_what_a_spreadsheet_runs(text: str) -> None:
    assert neutralise(text)[:1] not in set("=+-@\t\r\n＝＋－＠")
    assert restore(neutralise(text)) == text


@given(TEXTS)
def test_other_readers_of_csv_see_the_same_columns(comment: str) -> None:
    line = encode_row(verdict(comment=comment)).decode()
    (cells,) = csv.reader(io.StringIO(line, newline=""), strict=True)
    assert cells[10] == neutralise(storable(comment))
    assert len(cells) == 15


def test_text_written_by_hand_with_a_leading_quote_keeps_it() -> None:
    assert restore("'tis good") == "'tis good"


def test_a_cell_that_could_not_be_read_again_is_refused() -> None:
    with pytest.raises(ValueError, match="100,001 characters"):
        encode_row(verdict(comment="x" * (LONGEST + 1)))
