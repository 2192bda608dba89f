"""A copy of the verdicts on the Hub is continued, and never overwritten by anything else."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.errors import ReleaseError
from eval.release.hub.sync import RACES, Sync
from eval.run import Run
from tests.release.hub_state import WRITER, Hub
from tests.release.judged import Project, make_project

COPY = "trial/verdicts.csv"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "home")


def rows(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def quoted(data: bytes) -> bytes:
    """As a spreadsheet saves it with all text cells quoted."""
    head, rest = rows(data)[0], rows(data)[1:]
    return head + b"".join(b'"' + row.rstrip(b"\n").replace(b",", b'","') + b'"\n' for row in rest)


#: What may lie on this disk where the Hub has the whole file, and what is said of it.
OTHERS: dict[str, tuple[Callable[[bytes], bytes | None], str]] = {
    "an older file put back": (lambda data: b"".join(rows(data)[:-5]), "lacks the last 5 lines of the copy"),
    "all but the last row": (lambda data: b"".join(rows(data)[:-1]), "lacks the last 1 line of the copy"),
    "the header alone": (lambda data: rows(data)[0], "lacks the last 32 lines of the copy"),
    "an empty file": (lambda data: b"", "lacks the last 33 lines of the copy"),
    "no file": (lambda data: None, "lacks the last 33 lines of the copy"),
    "an older file, judged on": (lambda data: b"".join([*rows(data)[:-5], *rows(data)[:1]]), "differs from line 29 on"),
    "a cell changed": (lambda data: data.replace(b",1.0,", b",1,", 1), "differs from line 2 on"),
    "a row taken out": (lambda data: b"".join(rows(data)[:4] + rows(data)[5:]), "differs from line 5 on"),
    "all cells quoted": (quoted, "differs from line 2 on"),
    "Windows line ends": (lambda data: data.replace(b"\n", b"\r\n"), "differs from line 1 on"),
    "a byte order mark": (lambda data: b"\xef\xbb\xbf" + data, "differs from line 1 on"),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), "differs from line 1 on"),
    "Latin-1": (lambda data: data.decode().encode("latin-1"), "differs from line 4 on"),
    "no text at all": (lambda data: b"\xff\xfe\x00\n" * 50, "differs from line 1 on"),
}


@pytest.mark.parametrize("copied", [False, True], ids=["a new process", "a process that has copied before"])
@pytest.mark.parametrize("other", OTHERS)
def test_what_the_hub_has_is_not_lost(project: Project, hub: Hub, other: str, copied: bool) -> None:
    path, whole = project.run.verdicts_path, project.run.verdicts_path.read_bytes()
    make, said = OTHERS[other]
    Sync(project.run, "our/kept").push()
    sync = Sync(project.run, "our/kept")
    if copied:
        sync.push()
    before = hub.files("our/kept")
    here = make(whole)
    path.unlink() if here is None else path.write_bytes(here)
    (project.run.folder / "study.json").write_text('{"changed": true}')
    with pytest.raises(ReleaseError) as told:
        sync.push()
    assert hub.files("our/kept") == before
    assert before[COPY] == whole
    assert str(told.value).startswith(f"{path} {said}")
    assert f"in our/kept, and nothing was overwritten: put that one back by `hf download our/kept {COPY} " in str(
        told.value
    )
    assert "\n" not in str(told.value)


def test_what_is_to_be_done_brings_the_rows_back(project: Project, hub: Hub) -> None:
    """The command of the sentence, as it stands there."""
    path, whole = project.run.verdicts_path, project.run.verdicts_path.read_bytes()
    Sync(project.run, "our/kept").push()
    path.write_bytes(b"".join(rows(whole)[:3]))
    sync = Sync(project.run, "our/kept")
    with pytest.raises(ReleaseError) as told:
        sync.push()
    command = shlex.split(str(told.value).split("`")[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": WRITER, "HF_HOME": str(project.home / "hf")}
    hf = Path(sys.executable).with_name(command[0])
    done = subprocess.run([hf, *command[1:]], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == whole
    sync.push()
    assert hub.files("our/kept")[COPY] == whole


@pytest.mark.parametrize("there", [0, 1, 20, None], ids=["nothing", "a header", "some rows", "all rows"])
def test_what_the_hub_has_is_continued(project: Project, hub: Hub, there: int | None) -> None:
    whole = project.run.verdicts_path.read_bytes()
    if there != 0:
        hub.put("our/kept", COPY, b"".join(rows(whole)[:there]))
    assert Sync(project.run, "our/kept").push() is not None
    assert hub.files("our/kept")[COPY] == whole


@pytest.mark.parametrize("row", [b"\xff\xfe\x00,a,b\n", "Zoë,é\n".encode("latin-1"), b"\x1b[2J,\x80\n"])
def test_bytes_that_are_no_utf8_go_out_as_they_are(project: Project, hub: Hub, row: bytes) -> None:
    path, sync = project.run.verdicts_path, Sync(project.run, "our/kept")
    for _ in range(2):
        with path.open("ab") as file:
            file.write(row)
        sync.push()
        assert hub.files("our/kept")[COPY] == path.read_bytes()
    path.write_bytes(path.read_bytes().replace(row, b"mended\n"))
    with pytest.raises(ReleaseError, match="differs from line 34 on from the copy"):
        sync.push()


def test_rows_that_somebody_else_copied_between_check_and_commit_are_kept(project: Project, hub: Hub) -> None:
    whole = project.run.verdicts_path.read_bytes()
    theirs = whole + rows(whole)[1]
    hub.meanwhile["/commit/main"] = [lambda: hub.put("our/kept", COPY, theirs)]
    with pytest.raises(ReleaseError, match="lacks the last 1 line of the copy in our/kept, and nothing was"):
        Sync(project.run, "our/kept").push()
    assert hub.files("our/kept")[COPY] == theirs


def test_another_run_copied_between_check_and_commit_costs_nothing(project: Project, hub: Hub) -> None:
    hub.meanwhile["/commit/main"] = [lambda: hub.put("our/kept", "other/verdicts.csv", b"x")] * RACES
    assert Sync(project.run, "our/kept").push() is not None
    assert hub.files("our/kept")[COPY] == project.run.verdicts_path.read_bytes()
    assert hub.files("our/kept")["other/verdicts.csv"] == b"x"
    assert not hub.meanwhile["/commit/main"]


def test_a_repository_that_never_rests_is_told(project: Project, hub: Hub) -> None:
    hub.meanwhile["/commit/main"] = [lambda: hub.put("our/kept", "other.csv", b"x")] * (RACES + 1)
    with pytest.raises(
        ReleaseError, match=r"our/kept was changed at the same time \(412\): it is tried again in 5 min"
    ):
        Sync(project.run, "our/kept").push()
    assert COPY not in hub.files("our/kept")


def test_another_server_on_this_run_that_copies_first_costs_nothing(project: Project, hub: Hub) -> None:
    path, row = project.run.verdicts_path, rows(project.run.verdicts_path.read_bytes())[1]

    def judge_and_copy() -> None:
        with path.open("ab") as file:
            file.write(row)
        hub.put("our/kept", COPY, path.read_bytes())

    hub.meanwhile |= {"/repos/create": [judge_and_copy], "/our/kept": [judge_and_copy], COPY: [judge_and_copy]}
    hub.meanwhile["/commit/main"] = [judge_and_copy]
    assert Sync(project.run, "our/kept").push() is not None
    assert not any(hub.meanwhile.values())
    assert hub.files("our/kept")[COPY] == path.read_bytes()


def test_two_servers_on_one_run_lose_nothing_and_say_nothing(project: Project, hub: Hub) -> None:
    path, row = project.run.verdicts_path, rows(project.run.verdicts_path.read_bytes())[1]
    servers = [Sync(project.run, "our/kept", minutes=0.0005, say=pytest.fail) for _ in range(2)]
    with servers[0], servers[1]:
        for _ in range(20):
            with path.open("ab") as file:
                file.write(row)
            time.sleep(0.02)
    assert hub.files("our/kept")[COPY] == path.read_bytes()


def test_another_comparison_of_the_same_name_is_not_overwritten(project: Project, hub: Hub) -> None:
    """Before anybody has judged: tables say nothing then."""
    project.run.verdicts_path.unlink()
    models = {**project.run.info.models, "tuned": project.run.info.models["base"]}
    other = project.run.info.model_copy(update={"models": models})
    hub.put("our/kept", "trial/run.json", other.model_dump_json().encode())
    before = hub.files("our/kept")
    with pytest.raises(ReleaseError, match="our/kept holds another comparison that is called trial: copy to another"):
        Sync(project.run, "our/kept").push()
    assert hub.files("our/kept") == before


def test_a_loss_is_told_once_and_later_copies_go_on_when_it_is_gone(project: Project, hub: Hub) -> None:
    path, whole = project.run.verdicts_path, project.run.verdicts_path.read_bytes()
    Sync(project.run, "our/kept").push()
    path.write_bytes(b"".join(rows(whole)[:5]))
    said: list[str] = []
    with Sync(project.run, "our/kept", minutes=0.0005, say=said.append):
        while len(said) < 1:
            time.sleep(0.01)
        asked = len(hub.asked)
        while len(hub.asked) < asked + 30:
            time.sleep(0.01)
        assert len(said) == 1
        beside = path.with_suffix(".new")
        beside.write_bytes(whole + rows(whole)[1])
        beside.replace(path)
        while len(said) < 2:
            time.sleep(0.01)
    assert said[0].startswith(f"new verdicts are not copied: {path} lacks the last 28 lines of the copy in our/kept")
    assert said[1] == "the verdicts are copied to our/kept again"
    assert hub.files("our/kept")[COPY] == path.read_bytes()


def test_a_run_of_times_and_counts_alone_is_ours(project: Project, hub: Hub) -> None:
    """run.json is rewritten at each start."""
    Sync(project.run, "our/kept").push()
    grown = project.run.update(counts={"answers": 16}, times={"ended": "now"})
    assert Sync(Run(grown.folder, grown.info), "our/kept").push() is not None
    assert b'"answers": 16' in hub.files("our/kept")["trial/run.json"]
