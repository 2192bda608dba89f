"""Verdicts copied to a data set repository while somebody judges: the Hub of test_release, the real journal."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.errors import ReleaseError
from eval.journal import Journal, whole_csv_rows
from eval.judge.store.side_files import Flag, append_flag, flags_path
from eval.judge.study.study import Study
from eval.judge.sweep.sweep_state import SweepState
from eval.release.hub.sync import Sync, snapshot, synced
from tests.judge.person import Person
from tests.judge.sweeps import make_sweep, runs
from tests.release.conftest import point_at
from tests.release.hub_server import listening
from tests.release.hub_state import READER, Hub, Repo
from tests.release.judged import Project, make_project

COPY = "trial/verdicts.csv"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "home")


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds; ten seconds are far more than it takes."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.01)


def test_verdicts_are_copied_at_once_and_again_at_the_end(project: Project, hub: Hub) -> None:
    verdicts = project.run.verdicts_path
    first = verdicts.read_bytes()
    with Sync(project.run, "our/kept", minutes=60, say=pytest.fail):
        eventually(lambda: "our/kept" in hub.repos and COPY in hub.files("our/kept"))
        assert hub.files("our/kept")[COPY] == first
        with verdicts.open("ab") as file:
            file.write(first.splitlines(keepends=True)[-1])
    assert hub.files("our/kept")[COPY] == verdicts.read_bytes() != first
    assert hub.repos["our/kept"].private


def test_verdicts_of_all_candidates_of_a_sweep_are_copied_and_no_copy_comes_in_between(
    hub: Hub, tmp_path: Path
) -> None:
    make_sweep(tmp_path, k=4, n=4)
    with synced(runs(tmp_path).values(), "our/kept", say=pytest.fail):
        Person(SweepState(tmp_path / "reports" / "rates", runs(tmp_path), Study(practice=0)), "Ana").judge_all()
    for run in runs(tmp_path).values():
        assert hub.files("our/kept")[f"{run.name}/verdicts.csv"] == run.verdicts_path.read_bytes()
        assert f"{run.name}/plan.json" in hub.files("our/kept")
    commits = [path for method, path in hub.asked if method == "POST" and "/commit/" in path]
    # Every one was taken; the others are "main" and the repository's first.
    assert len(commits) == len(hub.repos["our/kept"].revisions) - 2


def test_copies_go_on_by_themselves(project: Project, hub: Hub) -> None:
    verdicts = project.run.verdicts_path
    with Sync(project.run, "our/kept", minutes=0.001, say=pytest.fail):
        eventually(lambda: "our/kept" in hub.repos and COPY in hub.files("our/kept"))
        with verdicts.open("ab") as file:
            file.write(verdicts.read_bytes().splitlines(keepends=True)[-1])
        eventually(lambda: hub.files("our/kept")[COPY] == verdicts.read_bytes())


def test_nothing_new_is_not_sent_again(project: Project, hub: Hub) -> None:
    sync = Sync(project.run, "our/kept")
    assert sync.push() is not None
    asked = len(hub.asked)
    assert sync.push() is None
    assert len(hub.asked) == asked


def test_a_row_that_is_being_written_waits_for_the_next_copy(project: Project, hub: Hub) -> None:
    verdicts = project.run.verdicts_path
    whole = verdicts.read_bytes()
    with verdicts.open("ab") as file:
        file.write(b'half,a,"row\nwith')
    assert snapshot(verdicts) == whole


def test_a_copy_holds_whole_rows_whatever_is_appended_meanwhile(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    journal, row = Journal(path, whole_csv_rows), b'1234567,"a\nb",x\n'
    ended = threading.Event()

    def write() -> None:
        for _ in range(400):
            journal.append(row)
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not ended.is_set():
        data = snapshot(path)
        assert data == row * (len(data) // len(row))
    writer.join()
    assert snapshot(path) == row * 400


def test_a_row_that_the_disk_refuses_in_the_end_is_not_copied(project: Project) -> None:
    """The store takes a row back that could not be made durable; until then it holds the file."""
    verdicts = project.run.verdicts_path
    whole = verdicts.read_bytes()
    seen: list[bytes] = []
    copier = threading.Thread(target=lambda: seen.append(snapshot(verdicts)))
    with verdicts.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(whole.splitlines(keepends=True)[-1])
        file.flush()
        copier.start()
        copier.join(0.3)
        file.truncate(len(whole))
    copier.join()
    assert seen == [whole]


def test_without_a_network_judging_goes_on_and_is_told_once(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = Hub()
    with listening(server):
        point_at(server, monkeypatch, tmp_path)
        port = int(server.url.rpartition(":")[2])
    said: list[str] = []
    with Sync(project.run, "our/kept", minutes=0.001, say=said.append):
        eventually(lambda: len(said) > 0)
        time.sleep(0.3)
        assert said == [
            f"new verdicts are not copied: the network to {server.url} was lost (no connection): "
            "it is tried again in 0.001 minutes"
        ]
        with listening(server, port):
            eventually(lambda: len(said) > 1)
    assert said[1] == "the verdicts are copied to our/kept again"
    assert server.files("our/kept")[COPY] == project.run.verdicts_path.read_bytes()


def test_a_public_repository_gets_no_names(project: Project, hub: Hub) -> None:
    hub.repos["our/open"] = Repo(private=False)
    hub.repos["our/open"].commit("main", {})
    with pytest.raises(ReleaseError, match="our/open is public, and verdicts name their reviewers"):
        Sync(project.run, "our/open").push()
    assert hub.files("our/open") == {}


def test_a_run_that_was_copied_before_goes_on(project: Project, hub: Hub) -> None:
    Sync(project.run, "our/kept").push()
    with project.run.verdicts_path.open("ab") as file:
        file.write(project.run.verdicts_path.read_bytes().splitlines(keepends=True)[-1])
    assert Sync(project.run, "our/kept").push() is not None
    assert hub.files("our/kept")[COPY] == project.run.verdicts_path.read_bytes()


def test_no_permission_is_told(project: Project, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", READER)
    said: list[str] = []
    with Sync(project.run, "our/kept", say=said.append):
        pass
    assert len(said) == 1
    assert "new verdicts are not copied: the token is not allowed to write to our/kept (403)" in said[0]
    assert READER not in said[0]


@pytest.mark.parametrize("request_path", ["/repos/create", "/our/kept", COPY, "/commit/main"])
def test_a_hub_that_never_answers_does_not_keep_judging_from_its_end(
    project: Project, hub: Hub, monkeypatch: pytest.MonkeyPatch, request_path: str
) -> None:
    monkeypatch.setattr("eval.release.hub.sync.TIMEOUT", 0.3)
    monkeypatch.setattr("eval.release.hub.verify_upload.TIMEOUT", 0.3)
    released = threading.Event()
    hub.meanwhile[request_path] = [released.wait] * 9
    said: list[str] = []
    try:
        with Sync(project.run, "our/kept", say=said.append):
            pass
    finally:
        released.set()
    assert said == [
        f"new verdicts are not copied: the network to {hub.url} was lost (it took too long): "
        "it is tried again in 5 minutes"
    ]


def test_flags_are_copied_as_they_change(project: Project, hub: Hub) -> None:
    sync = Sync(project.run, "our/kept")
    sync.push()
    flag = Flag(
        run="trial", item="item-0", reviewer="Ana", kind="judgement", flag="on", flagged_at="2026-01-02T03:04:05Z"
    )
    for state in ("on", "off"):
        append_flag(project.run, flag.model_copy(update={"flag": state}))
        sync.push()
        assert hub.files("our/kept")["trial/flags.csv"] == flags_path(project.run).read_bytes()
    assert hub.files("our/kept")["trial/flags.csv"].count(b"\n") == 3
