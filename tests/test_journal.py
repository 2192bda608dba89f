"""The journal's promise: what was acknowledged is there, whatever happened next."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eval.journal import Journal, whole_csv_rows, whole_lines, write_atomically


def test_appends_after_a_header_that_is_written_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "rows.csv", whole_csv_rows)
    assert journal.append(b"1\n", header=b"n\n") is None
    assert journal.append(b"2\n", header=b"n\n") is None
    assert journal.path.read_bytes() == b"n\n1\n2\n"


def test_torn_last_line_is_set_aside_and_nothing_before_it_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":2')
    aside = Journal(path).append(b'{"a":3}\n')
    assert path.read_bytes() == b'{"a":1}\n{"a":3}\n'
    assert aside is not None
    assert aside.read_bytes() == b'{"a":2'


def test_repair_leaves_a_whole_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert Journal(path).repair() is None
    path.write_bytes(b"1\n2\n")
    assert Journal(path).repair() is None
    assert path.read_bytes() == b"1\n2\n"


def test_a_tear_by_another_process_is_found_after_own_appends(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    journal = Journal(path)
    journal.append(b"1\n")
    with path.open("ab") as other:
        other.write(b"2\nto")
    assert journal.append(b"3\n") is not None
    assert path.read_bytes() == b"1\n2\n3\n"


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"", 0),
        (b"a,b\n", 4),
        (b"a,b\n1,", 4),
        (b'a\n"line one\nline two"\n', 22),
        (b'a\n"line one\nline t', 2),
        (b'a\n"says ""so', 2),
        # What ends in a line end is not torn, whatever quote is open: a person must look.
        (b'a\n"says ""so""\n', 15),
        (b'a\n"torn at the quote"', 2),
    ],
)
def test_a_line_break_inside_quotes_ends_no_csv_row(data: bytes, whole: int) -> None:
    assert whole_csv_rows(data) == whole


def test_whole_lines_end_in_a_line_break() -> None:
    assert whole_lines(b"1\n2\n3") == 4


def _append_many(path: Path, writer: int) -> None:
    journal = Journal(path)
    for number in range(50):
        journal.append(f"{writer}-{number}-{'x' * 200}\n".encode())


def test_eight_processes_lose_and_mix_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(path, n)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    expected = sorted(f"{w}-{n}-{'x' * 200}" for w in range(8) for n in range(50))
    assert sorted(path.read_text().splitlines()) == expected


_BURST = """
import sys
from pathlib import Path
from eval.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(1_000_000):
    journal.append(f"{number}\\n".encode())
    print(number, flush=True)
"""


def test_kill_9_in_a_burst_keeps_every_acknowledged_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    command = [sys.executable, "-c", _BURST, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(200)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    Journal(path).repair()
    kept = [int(line) for line in path.read_text().splitlines()]
    assert set(acknowledged) <= set(kept)
    assert kept == list(range(len(kept)))


_FULL = """
import sys
from pathlib import Path
from eval.journal import Journal
journal = Journal(Path(sys.argv[1]))
try:
    journal.append(b"x" * 8192 + b"\\n")
except OSError as error:
    print(type(error).__name__)
"""


def test_a_disk_that_refuses_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"1\n")

    def limit_file_size() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(path)], preexec_fn=limit_file_size, capture_output=True, text=True, check=True
    )
    assert done.stdout == "OSError\n"
    assert path.read_bytes() == b"1\n"


def test_write_atomically_replaces_and_leaves_no_part(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "run.json"
    write_atomically(target, b"old")
    write_atomically(target, b"new")
    assert target.read_bytes() == b"new"
    assert [path.name for path in target.parent.iterdir()] == ["run.json"]
