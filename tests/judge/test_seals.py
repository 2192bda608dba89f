"""Seals: every change of a row, a row that is missing or moved, is seen; a change of form is not one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.judge.csv_codec import PLAIN, Columns
from eval.judge.store.verdict_files import read_verdicts
from tests.judge.runs import make_run
from tests.judge.verdicts import first_broken, verdict, verdict_store


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A file of five rows, as the store writes them."""
    run = make_run(tmp_path)
    store = verdict_store(run)
    for number in range(4):
        store.append(verdict(number, comment=f"=odd, \0 and\ttwo\nlines {number}"))
    verdict_store(run).append(verdict(4))
    return run.verdicts_path


def broken(path: Path) -> str:
    row = first_broken(read_verdicts(path), PLAIN)
    return row.verdict_id if row else ""


def test_what_the_store_wrote_is_whole(sealed: Path) -> None:
    assert broken(sealed) == ""


def test_what_a_spreadsheet_saved_is_whole(sealed: Path) -> None:
    text = sealed.read_text(encoding="utf-8").replace("3.25", "3.250")
    rows = text.replace("Ana", '"Ana"')
    sealed.write_bytes(b"\xef\xbb\xbf" + rows.encode())
    assert broken(sealed) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [("tuned,base,", "base,base,"), ("Ana", "Ann"), ("3.25", "3.5"), ("lines 2", "lines 7"), ("v2", "v7")],
)
def test_a_changed_cell_is_named(sealed: Path, old: str, new: str) -> None:
    head, sep, rest = sealed.read_text(encoding="utf-8").partition("v2,")
    sealed.write_text(head + (sep + rest).replace(old, new, 1), encoding="utf-8")
    assert broken(sealed) == ("v7" if old == "v2" else "v2")


def test_a_row_that_is_missing_or_moved_is_seen(sealed: Path) -> None:
    rows = read_verdicts(sealed)
    assert first_broken(rows[1:], PLAIN) == rows[1]
    assert first_broken([rows[0], *rows[2:]], PLAIN) == rows[2]
    assert first_broken([rows[0], rows[2], rows[1]], PLAIN) == rows[2]
    assert first_broken(rows[:-1], PLAIN) is None


@settings(max_examples=40, deadline=None)
@given(
    criteria=st.dictionaries(st.sampled_from(["helpful", "clear_base"]), st.text(max_size=8), max_size=2),
    comment=st.text(max_size=20),
)
def test_any_row_is_whole_when_it_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, criteria: dict[str, str], comment: str
) -> None:
    run = make_run(tmp_path_factory.mktemp("sealed"), n=1)
    columns = Columns(("helpful", "clear_base"), tags=True)
    store = verdict_store(run, columns)
    store.append(verdict(1, criteria=criteria, comment=comment))
    store.append(verdict(2, tags_base=("incorrect", "too_long")))
    assert first_broken(read_verdicts(run.verdicts_path), columns) is None
