"""A spreadsheet saves verdicts.csv while the real server judges: rows come back, and the reviewer is reported once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from eval.judge.csv_codec import PLAIN
from eval.judge.store.verdict_files import read_verdicts
from tests.evidence.office import QUOTINGS, saved_again
from tests.judge.runs import make_run
from tests.judge.server import Tab, served
from tests.judge.verdicts import first_broken

TOLD = "had vanished from the file and were put back"


def test_the_reviewer_is_told_once_that_verdicts_were_put_back(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with served(run) as server:
        ann, bob = Tab(server.url, "Ann"), Tab(server.url, "Bob")
        bob.vote("tie")
        ann.vote("left")
        opened = run.verdicts_path.read_bytes()
        ann.vote("right", "kept")
        ann.vote("tie")
        run.verdicts_path.write_bytes(opened)
        shown = ann.vote("left")
        assert shown.data["saved"] == "yes"
        assert TOLD in shown.page
        assert "(2)" in shown.page
        assert TOLD not in ann.vote("left").page
        assert TOLD not in bob.vote("left").page
        _, said = server.end()
    assert said.count("rows that had been saved were missing: put back 2") == 1
    assert [(row.reviewer, row.comment) for row in read_verdicts(run.verdicts_path)] == [
        ("Bob", ""),
        ("Ann", ""),
        ("Ann", "kept"),
        *[("Ann", "")] * 3,
        ("Bob", ""),
    ]


@pytest.mark.parametrize("quoting", QUOTINGS.values(), ids=QUOTINGS.keys())
def test_libreoffice_saves_what_it_had_opened_while_judging_goes_on(tmp_path: Path, quoting: str) -> None:
    run = make_run(tmp_path)
    with served(run) as server:
        ann, bob = Tab(server.url, "Ann"), Tab(server.url, "Bob")
        for n in range(3):
            ann.vote("left", "two\nlines" if n else "plain words")
        saved = saved_again({"verdicts": run.verdicts_path}, tmp_path / "office", quoting=quoting)["verdicts"]
        for _ in range(2):
            ann.vote("right")
            bob.vote("tie")
        run.verdicts_path.write_bytes(saved.read_bytes())
        ann.vote("left")
        bob.vote("tie")
    rows = read_verdicts(run.verdicts_path)
    assert sorted(row.reviewer for row in rows) == ["Ann"] * 6 + ["Bob"] * 3
    assert first_broken(rows, PLAIN) is None


def test_rows_come_back_while_nobody_judges(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with served(run) as server:
        ann = Tab(server.url, "Ann")
        ann.vote("left")
        ann.vote("left")
        whole = run.verdicts_path.read_bytes()
        run.verdicts_path.unlink()
        deadline = time.monotonic() + 60
        while not run.verdicts_path.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.2)
        assert run.verdicts_path.read_bytes() == whole
        run.verdicts_path.write_bytes(b"")
        server.end()
    assert run.verdicts_path.read_bytes() == whole
