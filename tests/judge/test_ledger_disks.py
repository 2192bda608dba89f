"""Disks that are full or read-only: one sentence at the start, and no row lost later."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.errors import NotSaved
from eval.judge.store.verdict_files import read_verdicts
from eval.run import Run
from tests.judge.runs import make_run
from tests.judge.verdicts import unsealed, verdict, verdict_store
from tests.support import ROOT, require


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few pages."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=64", "tmpfs", str(folder)], check=False
    ).returncode
    require(mounted == 0, "mounting a small file system needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    stuffing = folder / "stuffing"
    with stuffing.open("wb", buffering=0) as file:
        for size in (4096, 1):
            while True:
                try:
                    file.write(b"x" * size)
                except OSError:
                    break
    return stuffing


def judge(run: Run) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "eval.cli.main", "judge", run.name, "--reports", str(run.folder.parent)]
    return subprocess.run(
        [*command, "--no-browser", "--port", "0"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def one_sentence(done: subprocess.CompletedProcess[str], run: Run) -> None:
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "cannot be written" in done.stderr
    assert list(run.folder.rglob("*.part")) == []


def test_a_full_disk_at_the_start_is_one_sentence(small_disk: Path) -> None:
    run = make_run(small_disk, n=4)
    fill(small_disk)
    one_sentence(judge(run), run)


def test_a_read_only_folder_at_the_start_is_one_sentence(small_disk: Path) -> None:
    run = make_run(small_disk, n=4)
    verdict_store(run).append(verdict(1))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    one_sentence(judge(run), run)
    assert len(read_verdicts(run.verdicts_path)) == 1


def test_a_disk_that_fills_up_takes_no_row_and_loses_none(small_disk: Path) -> None:
    run = make_run(small_disk, n=4)
    ledger = verdict_store(run)
    ledger.append(verdict(1))
    stuffing = fill(small_disk)
    comment = "x" * 5000
    with pytest.raises(NotSaved, match="No space left"):
        ledger.append(verdict(2, comment=comment))
    assert unsealed(read_verdicts(run.verdicts_path)) == [verdict(1)]
    stuffing.unlink()
    ledger.append(verdict(2, comment=comment))
    assert unsealed(read_verdicts(run.verdicts_path)) == [verdict(1), verdict(2, comment=comment)]
