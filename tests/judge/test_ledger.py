"""What others do to verdicts.csv while a server judges: an acknowledged row is in the file again before the next is."""

from __future__ import annotations

import csv
import errno
import fcntl
import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.errors import InputError, NotSaved
from eval.judge.csv_codec import PLAIN
from eval.judge.store.acknowledged import acknowledged_path, alterations
from eval.judge.store.ledger import Ledger
from eval.judge.store.verdict_files import read_rows, read_verdicts
from eval.records import Verdict
from eval.run import Run
from tests.judge.runs import make_run
from tests.judge.verdicts import first_broken, verdict, verdict_store
from tests.support import ROOT


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


@pytest.fixture
def ledger(run: Run) -> Ledger[Verdict]:
    """Five rows are acknowledged."""
    made = verdict_store(run)
    for number in range(1, 6):
        made.append(verdict(number, comment='two\nlines, "quoted"' if number == 2 else ""))
    return made


def requoted(data: bytes, quoting: int, end: str = "\n") -> bytes:
    """A CSV as another program saves it."""
    written = io.StringIO(newline="")
    csv.writer(written, quoting=quoting, lineterminator=end).writerows(csv.reader(io.StringIO(data.decode())))  # type: ignore[arg-type]
    return written.getvalue().encode()


def in_place(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def by_rename(path: Path, data: bytes) -> None:
    other = path.with_name("saved.tmp")
    other.write_bytes(data)
    other.replace(path)


SAVES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda data: data,
    "all cells quoted": lambda data: requoted(data, csv.QUOTE_ALL),
    "few cells quoted, CRLF": lambda data: requoted(data, csv.QUOTE_MINIMAL, "\r\n"),
    "a BOM": lambda data: b"\xef\xbb\xbf" + data,
    "no last line end": lambda data: data[:-1],
}


def check(run: Run, numbers: range) -> None:
    """All rows are in the file, once, in their order, sealed."""
    rows = read_verdicts(run.verdicts_path)
    assert [row.verdict_id for row in rows] == [f"v{number}" for number in numbers]
    assert first_broken(rows, PLAIN) is None


@pytest.mark.parametrize("put", [in_place, by_rename])
@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES.keys())
def test_a_spreadsheet_that_saves_what_it_had_opened_costs_no_row(
    run: Run, ledger: Ledger[Verdict], save: Callable[[bytes], bytes], put: Callable[[Path, bytes], None]
) -> None:
    opened = run.verdicts_path.read_bytes()
    ledger.append(verdict(6))
    ledger.append(verdict(7))
    put(run.verdicts_path, save(opened))
    ledger.append(verdict(8))
    check(run, range(1, 9))
    assert ledger.restored("Ana") == 2
    assert ledger.restored("Ana") == 0
    assert [row.verdict_id for row in ledger.rows] == [f"v{number}" for number in range(1, 9)]


VANISHED: dict[str, Callable[[Path, bytes], None]] = {
    "older copy": lambda path, before: by_rename(path, before),
    "removed": lambda path, before: path.unlink(),
    "emptied": lambda path, before: in_place(path, b""),
    "header only": lambda path, before: in_place(path, before.split(b"\n")[0] + b"\n"),
    "same size": lambda path, before: in_place(path, path.read_bytes().replace(b"v5,", b"w5,").replace(b"w5", b"v5")),
}


@pytest.mark.parametrize("act", VANISHED.values(), ids=VANISHED.keys())
def test_an_older_file_put_back_is_made_whole_and_told(
    run: Run, ledger: Ledger[Verdict], act: Callable[[Path, bytes], None], caplog: pytest.LogCaptureFixture
) -> None:
    data = run.verdicts_path.read_bytes()
    older = data[: data.index(b"v4,")]
    act(run.verdicts_path, older)
    with caplog.at_level(logging.WARNING):
        ledger.look()
        ledger.look()
    check(run, range(1, 6))
    told = [record for record in caplog.records if "were missing: put back" in record.getMessage()]
    assert len(told) == (0 if act is VANISHED["same size"] else 1)


def test_rows_that_vanished_while_no_server_ran_are_put_back_at_the_start(run: Run, ledger: Ledger[Verdict]) -> None:
    data = run.verdicts_path.read_bytes()
    run.verdicts_path.write_bytes(data[: data.index(b"v4,")])
    assert (
        "lacks verdict v4 by Ana and 1 more"
        in alterations(run.verdicts_path, read_rows(run.verdicts_path, Verdict), Verdict, run=run.name)[0]
    )
    verdict_store(run)
    assert run.verdicts_path.read_bytes() == data


def test_another_servers_rows_are_put_back_too(run: Run, ledger: Ledger[Verdict]) -> None:
    older = run.verdicts_path.read_bytes()
    other = verdict_store(run)
    other.append(verdict(6))
    by_rename(run.verdicts_path, older)
    ledger.append(verdict(7))
    check(run, range(1, 8))


def test_rows_taken_out_of_both_files_stay_out(run: Run, ledger: Ledger[Verdict]) -> None:
    for path in (run.verdicts_path, acknowledged_path(run.verdicts_path)):
        data = path.read_bytes()
        path.write_bytes(data[: data.index(b"v5,")])
    verdict_store(run)
    check(run, range(1, 5))


def test_what_cannot_be_put_back_stops_the_judging_with_the_reason(run: Run, ledger: Ledger[Verdict]) -> None:
    rows = read_verdicts(run.verdicts_path)
    # Another row of the same reviewer on the same item stands where the acknowledged one was.
    run.verdicts_path.write_bytes(run.verdicts_path.read_bytes().replace(b"v5,", b"x5,"))
    with pytest.raises(InputError, match=r"1 row that had been saved is missing.*judged item 'item-5'.* restore"):
        ledger.append(verdict(6))
    assert len(read_verdicts(run.verdicts_path)) == len(rows)


BROKEN = {
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "a stray quote": lambda data: data.replace(b"v3,", b'v3,"'),
    "other columns": lambda data: data.replace(b"kind", b"sort", 1),
    "half a file": lambda data: data[: len(data) // 2].rpartition(b"\n")[0] + b'\nv9,"',
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_cannot_be_trusted_is_left_as_it_is_until_somebody_fixes_it(
    run: Run, ledger: Ledger[Verdict], change: Callable[[bytes], bytes]
) -> None:
    whole = run.verdicts_path.read_bytes()
    broken = change(whole)
    run.verdicts_path.write_bytes(broken)
    if change is BROKEN["half a file"]:
        # Only the half row goes, and is kept aside; what was acknowledged comes back.
        ledger.append(verdict(6))
        check(run, range(1, 7))
        assert [path.read_bytes() for path in run.folder.glob("*.torn-*")] == [b'v9,"']
        return
    with pytest.raises(InputError, match=str(run.verdicts_path)):
        ledger.append(verdict(6))
    assert run.verdicts_path.read_bytes() == broken
    run.verdicts_path.write_bytes(whole)
    ledger.append(verdict(6))
    check(run, range(1, 7))


CELLS = [(b"3.25", b"4"), (b"colours", b"colors"), (b",tuned,base,", b",base,base,"), (b"Ana", b"Ann")]


@pytest.mark.parametrize(("was", "now"), CELLS)
def test_a_changed_cell_is_told_with_row_and_column(
    run: Run, ledger: Ledger[Verdict], was: bytes, now: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    head, row, rest = run.verdicts_path.read_bytes().partition(b"v4,")
    run.verdicts_path.write_bytes(head + row + rest.replace(was, now, 1))
    with caplog.at_level(logging.WARNING):
        ledger.look()
        verdict_store(run)
    names = {b"3.25": "seconds", b"colours": "category", b"Ana": "reviewer"}
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2, told
    for line in told:
        assert line.startswith(f"{run.verdicts_path}:6: {names.get(was, 'outcome')} is ")


def test_a_comment_that_a_spreadsheet_took_for_a_number_is_told(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    ledger = verdict_store(run)
    for number, comment in enumerate(("007", "1e5", "fine")):
        ledger.append(verdict(number, comment=comment))
    data = run.verdicts_path.read_bytes().replace(b",007,", b",7,").replace(b",1e5,", b",100000,")
    run.verdicts_path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        ledger.append(verdict(3))
    told = [record.getMessage() for record in caplog.records]
    assert [line.split(": ", 1)[1] for line in told] == [
        "comment is '7' and was saved as '007': restore the cell",
        "comment is '100000' and was saved as '1e5': restore the cell",
    ]


_APPEND = """
import sys
from pathlib import Path
from eval.run import open_run
from tests.judge.verdicts import verdict, verdict_store
ledger = verdict_store(open_run(Path(sys.argv[1]), "trial"))
for number in range(*map(int, sys.argv[2:4])):
    ledger.append(verdict(number))
"""


def test_a_row_saved_between_reading_and_stamping_is_seen(run: Run) -> None:
    """Two servers that start and judge at once: each sees the other's rows, and no item is judged twice."""
    with_rows = [
        subprocess.Popen([sys.executable, "-c", _APPEND, str(run.folder.parent), str(n), str(n + 40)], cwd=ROOT)
        for n in (0, 100, 200)
    ]
    ledgers = [verdict_store(run) for _ in range(15)]
    assert [process.wait() for process in with_rows] == [0, 0, 0]
    for number, ledger in enumerate(ledgers):
        ledger.append(verdict(300 + number))
    rows = read_verdicts(run.verdicts_path)
    assert len(rows) == 135
    assert first_broken(rows, PLAIN) is None


def test_a_lock_that_fails_once_is_told_and_still_locks_afterwards(
    run: Run, ledger: Ledger[Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock
    failures = iter([OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))])

    def flock(fd: int, operation: int) -> None:
        for failure in failures:
            raise failure
        real(fd, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(NotSaved, match=r"Not saved \(No locks available\)"):
        ledger.append(verdict(6))
    held = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(run.folder / ".verdicts.lock")], stdout=subprocess.PIPE, text=True
    )
    assert held.stdout is not None
    assert held.stdout.readline() == "held\n"
    ledger.append(verdict(6))
    # It was let go before the row could be written.
    assert held.stdout.read() == "let go\n"
    held.communicate()
    check(run, range(1, 7))


_HOLD = """
import fcntl, sys, time
lock = open(sys.argv[1], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(1)
print("let go", flush=True)
"""


def test_a_lock_that_somebody_removed_is_taken_anew(run: Run, ledger: Ledger[Verdict]) -> None:
    with ledger.turn():
        (run.folder / ".verdicts.lock").unlink()
        other = verdict_store(run)
    other.append(verdict(6))
    ledger.append(verdict(7))
    check(run, range(1, 8))
