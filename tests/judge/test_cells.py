"""A cell comes back as it was, and no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eval.judge.csv_codec import LONGEST, PLAIN, Columns, encode_row
from eval.judge.store.verdict_files import columns_in, read_thumbs, read_verdicts
from eval.records import Judgement, Thumb, Verdict
from eval.spreadsheet import neutralise, restore, storable
from tests.judge.verdicts import verdict

TRICKY = st.text(alphabet=st.sampled_from("'\"=+-@\t\r\n, ;ab\0\u2028\x85é汉😀＝"), max_size=12)
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), TRICKY)


@settings(deadline=None)
@given(TEXTS, TEXTS.filter(bool), TEXTS)
@example("'=1+1", "''=cmd|' /C calc'!A0", "'tis")
@example("a\rb", "\r\n", "\ufeff=1")
def test_any_text_comes_back_from_the_file(comment: str, reviewer: str, category: str) -> None:
    row = verdict(comment=comment, reviewer=reviewer, category=category)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "verdicts.csv"
        path.write_bytes(PLAIN.header() + encode_row(row) + encode_row(verdict(1)))
        back, following = read_verdicts(path)
    assert back == row.model_copy(
        update={"comment": storable(comment), "reviewer": storable(reviewer), "category": storable(category)}
    )
    assert following == verdict(1)


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in Verdict.model_fields)
TAGS = st.lists(TEXTS.map(lambda text: storable(text).replace(";", ",")).filter(bool), max_size=3).map(tuple)


@settings(deadline=None)
@given(st.dictionaries(NAMES, TEXTS, max_size=4), TAGS, TAGS, st.booleans())
def test_criteria_and_tags_come_back_from_the_file(
    criteria: dict[str, str], base: tuple[str, ...], tuned: tuple[str, ...], tags: bool
) -> None:
    columns = Columns(tuple(criteria), tags)
    row = verdict(criteria=criteria, tags_base=base if tags else (), tags_tuned=tuned if tags else ())
    plain = verdict(1, criteria=dict.fromkeys(criteria, ""))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "verdicts.csv"
        path.write_bytes(columns.header() + encode_row(row, columns) + encode_row(plain, columns))
        back = read_verdicts(path)
        assert columns_in(path) == columns
    stored = {name: storable(cell) for name, cell in criteria.items()}
    assert back == [row.model_copy(update={"criteria": stored}), plain]


@settings(deadline=None)
@given(st.lists(NAMES, max_size=4, unique=True), TEXTS, TAGS, st.booleans())
def test_thumbs_come_back_from_the_file(names: list[str], cell: str, tags: tuple[str, ...], tagged: bool) -> None:
    columns = Columns(tuple(name for name in names if name not in Thumb.model_fields), tagged)
    common = verdict().model_dump(include=set(Judgement.model_fields)) | {"outcome": "up"}
    row = Thumb(
        **(common | {"criteria": {name: storable(cell) for name in columns.criteria}}),
        side="tuned",
        sha256="0" * 64,
        tags=tags if tagged else (),
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "thumbs.csv"
        path.write_bytes(columns.header(Thumb) + encode_row(row, columns))
        assert read_thumbs(path) == [row]


def test_what_has_no_column_is_not_dropped_in_silence() -> None:
    with pytest.raises(ValueError, match="clarity has no column"):
        encode_row(verdict(criteria={"clarity": "base"}))
    with pytest.raises(ValueError, match="tags_base has no column"):
        encode_row(verdict(tags_base=("unsafe",)))


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
