"""verdicts.csv: what is acknowledged is there, and what does not belong is named with file and line."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pandas as pd
import pytest

from eval.errors import InputError, NotSaved
from eval.judge.csv_codec import PLAIN, encode_row
from eval.judge.store.acknowledged import acknowledged_path
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.records import Verdict
from tests.judge.runs import make_run
from tests.judge.verdicts import first_broken, unsealed, verdict, verdict_store


def lines(*rows: bytes) -> bytes:
    return PLAIN.header() + b"".join(rows)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "verdicts.csv"


def test_a_missing_or_empty_file_holds_nothing(path: Path) -> None:
    assert read_verdicts(path) == []
    path.touch()
    assert read_verdicts(path) == []


def test_the_first_append_writes_the_header(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    verdict_store(run).append(verdict(1))
    verdict_store(run).append(verdict(2))
    rows = read_verdicts(run.verdicts_path)
    assert unsealed(rows) == [verdict(1), verdict(2)]
    assert run.verdicts_path.read_bytes() == lines(*map(encode_row, rows))


def test_pandas_reads_the_file(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    store = verdict_store(run)
    store.append(verdict(1, comment='two\nlines, a "quote" and a comma'))
    store.append(verdict(2))
    table = pd.read_csv(run.verdicts_path, keep_default_na=False)
    assert list(table.columns) == list(PLAIN.names(Verdict))
    assert list(table["comment"]) == ['two\nlines, a "quote" and a comma', ""]


def test_what_a_spreadsheet_saved_is_read(path: Path) -> None:
    unix = lines(encode_row(verdict(1)), encode_row(verdict(2)))
    path.write_bytes(b"\xef\xbb\xbf" + unix.replace(b"\n", b"\r\n") + b"\r\n")
    assert read_verdicts(path) == [verdict(1), verdict(2)]


def test_appending_goes_on_after_a_spreadsheet_saved_it(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.verdicts_path.write_bytes(b"\xef\xbb\xbf" + lines(encode_row(verdict(1))).replace(b"\n", b"\r\n"))
    verdict_store(run).append(verdict(2))
    assert unsealed(read_verdicts(run.verdicts_path)) == [verdict(1), verdict(2)]


@pytest.mark.parametrize("cut", [1, 20, 150])
def test_a_reader_leaves_a_torn_last_row_out_and_every_byte_as_it_is(
    path: Path, caplog: pytest.LogCaptureFixture, cut: int
) -> None:
    torn = lines(encode_row(verdict(1)), encode_row(verdict(2, comment="one\ntwo"))[:-cut])
    path.write_bytes(torn)
    with caplog.at_level(logging.WARNING):
        assert read_verdicts(path) == [verdict(1)]
    assert f"{path}:3: the last row is not complete" in caplog.text
    assert path.read_bytes() == torn
    assert [one.name for one in path.parent.iterdir()] == ["verdicts.csv"]


def test_the_judging_server_sets_a_torn_last_row_aside_and_tells(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(tmp_path)
    torn = encode_row(verdict(2, comment="one\ntwo"))[:-20]
    run.verdicts_path.write_bytes(lines(encode_row(verdict(1))) + torn)
    with caplog.at_level(logging.WARNING):
        verdict_store(run)
    (aside,) = run.folder.glob("verdicts.csv.torn-*")
    assert aside.read_bytes() == torn
    assert str(aside) in caplog.text
    assert run.verdicts_path.read_bytes() == lines(encode_row(verdict(1)))


@pytest.mark.parametrize("end", [b"", b"\r"])
def test_a_last_row_without_its_line_end_is_whole_where_its_seal_says_so(tmp_path: Path, end: bytes) -> None:
    """Editors and spreadsheets leave the last line end out."""
    run = make_run(tmp_path)
    verdict_store(run).append(verdict(1, comment="one\ntwo"))
    verdict_store(run).append(verdict(2))
    acknowledged_path(run.verdicts_path).unlink()
    run.verdicts_path.write_bytes(run.verdicts_path.read_bytes().removesuffix(b"\n") + end)
    assert unsealed(read_verdicts(run.verdicts_path)) == [verdict(1, comment="one\ntwo"), verdict(2)]
    verdict_store(run).append(verdict(3))
    rows = read_verdicts(run.verdicts_path)
    assert len(rows) == 3
    assert first_broken(rows, PLAIN) is None
    assert list(run.folder.glob("*.torn-*")) == []


def test_an_append_after_a_torn_row_loses_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    store = verdict_store(run)
    store.append(verdict(1))
    with run.verdicts_path.open("ab") as file:
        file.write(b'v9,trial,"torn')
    store.append(verdict(2))
    assert unsealed(read_verdicts(run.verdicts_path)) == [verdict(1), verdict(2)]


ROW = encode_row(verdict(2))
TWO_LINES = encode_row(verdict(1, comment="one\ntwo"))
BAD_ROWS = {
    "unknown outcome": (ROW.replace(b",tuned,", b",tunde,"), "outcome: Input should be 'base', 'tuned', "),
    "unknown side": (ROW.replace(b",base,", b",left,"), "left: Input should be 'base' or 'tuned'"),
    "seconds": (ROW.replace(b"3.25", b"-1"), "seconds: Input should be greater than or equal to 0"),
    "not a number": (ROW.replace(b"3.25", b"nan"), "seconds: Input should be a finite number"),
    "hash": (ROW.replace(b"0" * 64, b"0" * 63), "base_sha256: String should match"),
    "other run": (ROW.replace(b"trial", b"other"), "run: 'other' is not 'trial'"),
    "too few cells": (b"v2,trial\n", "2 cells instead of 15"),
    "same id": (encode_row(verdict(2, verdict_id="v1")), "verdict_id: v1 is on line 2 too"),
    "judged twice": (encode_row(verdict(2, item="item-1")), "replaces: 'Ana' judged item 'item-1' on line 2 already"),
    "not UTF-8": (ROW.replace(b"Ana", b"An\xe9"), "is not UTF-8"),
    "stray quote": (ROW.replace(b"3.25", b'"3"25'), "correct or remove the row"),
}


@pytest.mark.parametrize(("row", "problem"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_bad_row_is_named_by_its_physical_line(path: Path, row: bytes, problem: str) -> None:
    path.write_bytes(lines(TWO_LINES, row))
    with pytest.raises(InputError) as caught:
        read_verdicts(path)
    assert str(caught.value).startswith(f"{path}:4: ")
    assert problem in str(caught.value)
    assert (caught.value.path, caught.value.line) == (path, 4)


@pytest.mark.parametrize(
    "header",
    [
        b"verdict_id,run\n",
        PLAIN.header().replace(b"run,item", b"item,run"),
        PLAIN.header().replace(b",kind", b""),
        encode_row(verdict(1)),
    ],
)
def test_other_columns_are_refused(path: Path, header: bytes) -> None:
    path.write_bytes(header)
    with pytest.raises(InputError, match=r"verdicts\.csv:1: columns: "):
        read_verdicts(path)


def test_rows_of_another_run_stop_the_judging_at_once(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.verdicts_path.write_bytes(lines(encode_row(verdict(1, run="other"))))
    with pytest.raises(InputError, match="'other' is not 'trial'"):
        verdict_store(run)


def test_a_file_that_cannot_be_read_is_one_sentence(path: Path) -> None:
    path.mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read_verdicts(path)


def test_replaced_and_withdrawn_rows_do_not_count() -> None:
    first = verdict(1)
    taken_back = verdict(1, verdict_id="w1", outcome="withdrawn", replaces="v1")
    again = verdict(1, verdict_id="v1b", outcome="tie", replaces="w1")
    assert in_force([first]) == [first]
    assert in_force([first, taken_back]) == []
    assert in_force([first, taken_back, again, verdict(2)]) == [again, verdict(2)]


def test_a_folder_that_refuses_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    store = verdict_store(run)
    run.folder.rename(tmp_path / "gone")
    with pytest.raises(NotSaved, match=r"Not saved \(No such file or directory\): press the key again"):
        store.append(verdict(1))
    (tmp_path / "gone").rename(run.folder)
    store.append(verdict(1))
    assert unsealed(read_verdicts(run.verdicts_path)) == [verdict(1)]


def test_many_threads_and_stores_lose_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    stores = [verdict_store(run) for _ in range(2)]

    def write(worker: int) -> None:
        for i in range(25):
            stores[worker % 2].append(verdict(100 * worker + i))

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {row.verdict_id for row in read_verdicts(run.verdicts_path)} == {
        f"v{100 * worker + i}" for worker in range(8) for i in range(25)
    }


def test_a_turn_sees_what_another_process_wrote(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    ours, theirs = verdict_store(run), verdict_store(run)
    theirs.append(verdict(1))
    with ours.turn():
        assert unsealed(ours.rows) == [verdict(1)]
