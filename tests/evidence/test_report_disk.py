"""Where a report cannot be written: one sentence with the remedy and nothing half-written; elsewhere it is written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from eval.release.gate.decision import decision_path
from eval.run import Run
from tests.cli.command import blindside
from tests.evidence.judged import make_judged
from tests.release.judged import make_project
from tests.support import require

REPORT = {
    "summary.csv",
    "by_category.csv",
    "by_reviewer.csv",
    "disagreements.csv",
    "verdicts.csv",
    "report.md",
    "report.html",
    "report.zh.html",
}


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own, of so many bytes."""
    require(os.geteuid() == 0, "only root can mount a file system")
    folder.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False)
    require(done.returncode == 0, "no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """Root writes whatever the permissions are; not so where the mount is read-only."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    yield folder


@pytest.fixture
def reports(tmp_path: Path) -> Iterator[Path]:
    with disk(tmp_path / "reports", "2m") as folder:
        yield folder


def _all_files(run: Run) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}


def _refused(*args: str, cwd: Path, status: int = 1) -> str:
    done = blindside(*args, cwd=cwd)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("blindside: ")
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_a_run_that_is_read_only_is_reported_into_another_folder(reports: Path, tmp_path: Path) -> None:
    run = make_judged(tmp_path, pairs=12)
    with read_only(reports):
        before = _all_files(run)
        told = _refused("report", cwd=tmp_path)
        assert "Read-only file system" in told
        assert "--out" in told
        done = blindside("report", "--out", "elsewhere", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "Written to elsewhere/" in done.stdout
        assert {path.name for path in (tmp_path / "elsewhere").iterdir() if path.suffix != ".svg"} == REPORT
        assert _all_files(run) == before
        assert "trial" in blindside("runs", cwd=tmp_path).stdout


def test_a_full_disk_is_one_sentence_and_leaves_no_part(reports: Path, tmp_path: Path) -> None:
    run = make_judged(tmp_path, pairs=12)
    _fill(reports)
    assert "No space left on device" in _refused("report", cwd=tmp_path)
    assert not list(run.folder.rglob("*.part"))


def test_the_other_folder_may_be_full_too(tmp_path: Path) -> None:
    make_judged(tmp_path, pairs=12)
    with disk(tmp_path / "small", "16k") as small:
        assert "No space left on device" in _refused("report", "--out", str(small / "report"), cwd=tmp_path)
        assert not list(small.rglob("*.part"))


def test_gate_on_a_full_disk_is_one_sentence_and_no_decision(reports: Path, tmp_path: Path) -> None:
    run = make_project(tmp_path).run
    decision_path(run.folder).unlink()
    _fill(reports)
    assert "No space left on device" in _refused("gate", "trial", cwd=tmp_path, status=3)
    assert not decision_path(run.folder).exists()
    assert not list(reports.rglob("*.part"))


def test_compare_on_a_full_disk_is_one_sentence_too(reports: Path, tmp_path: Path) -> None:
    for name in ("trial", "later"):
        make_judged(tmp_path, pairs=12, name=name)
    _fill(reports)
    assert "No space left on device" in _refused("compare", "trial", "later", cwd=tmp_path)
    assert not list(reports.rglob("*.part"))


def test_a_file_where_the_folder_should_be_is_one_sentence(tmp_path: Path) -> None:
    make_judged(tmp_path, pairs=12)
    (tmp_path / "taken").write_text("")
    assert "taken cannot be written" in _refused("report", "--out", "taken", cwd=tmp_path)


def _fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"x" * 4096)
