"""A Space that runs as a process: killed, restarted, doubled, and cut off from the Hub."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.judge.access.accounts import add_account
from eval.judge.store.verdict_files import read_verdicts
from eval.release.space.layout import Settings
from eval.release.space.publish import SpacePlan, publish
from eval.run import Run
from tests.judge.asking import ask
from tests.judge.runs import make_run
from tests.judge.server import EVERY_PAIR
from tests.judge.test_logins import PASSWORD, Browser
from tests.release.hub_state import WRITER, Hub
from tests.release.space_process import SPACE, Running, running, unpacked
from tests.release.test_sync import eventually

pytestmark = pytest.mark.slow

COPY = "trial/verdicts.csv"
DATA = f"{SPACE}-data"


@pytest.fixture
def run(tmp_path: Path, hub: Hub) -> Run:
    """Published, with two logins, and copied every second."""
    for name in ("Ann", "Bo"):
        add_account(tmp_path / "reviewers.csv", name, PASSWORD)
    run = make_run(tmp_path / "home", n=20)
    wanted = SpacePlan(SPACE, DATA, Settings(every=1), tmp_path / "reviewers.csv")
    publish(run, EVERY_PAIR, wanted, print)
    unpacked(hub, tmp_path / "app")
    return run


@pytest.fixture
def space(run: Run, hub: Hub, tmp_path: Path) -> Iterator[Running]:
    with running(hub, tmp_path / "app", tmp_path / "disk") as space:
        space.until("bs-login")
        yield space


def judge(browser: Browser, times: int) -> None:
    browser.act("hello")
    browser.act("sit")
    for _ in range(times):
        assert browser.act("vote", choice="left") == 200


def rows(hub: Hub, tmp_path: Path) -> int:
    path = tmp_path / "there" / "verdicts.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(hub.files(DATA).get(COPY, b""))
    return len(read_verdicts(path))


def test_killed_between_verdict_and_copy_loses_what_the_header_said(space: Running, hub: Hub, tmp_path: Path) -> None:
    ann, bo = Browser(space.url, "Ann"), Browser(space.url, "Bo")
    judge(ann, 3)
    eventually(lambda: space.copied(ann)["waiting"] == 0)
    assert rows(hub, tmp_path) == 3
    hub.refused["/commit/"] = (503, "down")
    judge(bo, 4)
    said = space.copied(bo)
    assert (said["waiting"], said["kept"]) == (4, False)
    space.kill()
    hub.refused.clear()
    with running(hub, tmp_path / "app", tmp_path / "another-disk") as again:
        again.until("bs-login")
        cy = Browser(again.url, "Bo")
        assert again.copied(cy)["waiting"] == 0
        judge(cy, 1)
        eventually(lambda: again.copied(cy)["waiting"] == 0)
        assert again.end() == 0
    assert rows(hub, tmp_path) == 7 - said["waiting"] + 1
    for log in (space.log, again.log):
        assert WRITER not in log.read_text()


def test_on_a_volume_nothing_is_lost_though_the_hub_was_down(run: Run, hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    with running(hub, tmp_path / "app", tmp_path / "disk", volume=tmp_path / "volume") as space:
        space.until("bs-login")
        ann = Browser(space.url, "Ann")
        hub.refused["/commit/"] = (503, "down")
        judge(ann, 4)
        assert space.copied(ann)["kept"]
        space.kill()
    hub.refused["/api/datasets"] = (503, "down")
    with running(hub, tmp_path / "app", tmp_path / "another-disk", volume=tmp_path / "volume") as again:
        again.until("cannot be shown now")
        hub.refused.clear()
        again.until("bs-login")
        judge(Browser(again.url, "Ann"), 1)
        again.end()
    assert rows(hub, tmp_path) == 5


def test_of_two_replicas_one_refuses_and_takes_over_only_from_a_silent_one(
    space: Running, hub: Hub, tmp_path: Path
) -> None:
    ann = Browser(space.url, "Ann")
    judge(ann, 2)
    eventually(lambda: space.copied(ann)["waiting"] == 0)
    with running(hub, tmp_path / "app", tmp_path / "second-disk") as second:
        second.until("only one may")
        assert ask(second.url, "POST", "/login", body="username=Ann").status in (404, 503)
        hub.refused["/commit/"] = (503, "down")
        judge(ann, 2)
        assert space.copied(ann)["waiting"] == 2
        space.process.send_signal(signal.SIGSTOP)
        hub.refused.clear()
        second.until("bs-login")
        bo = Browser(second.url, "Bo")
        judge(bo, 1)
        eventually(lambda: second.copied(bo)["waiting"] == 0)
        space.process.send_signal(signal.SIGCONT)
        space.until("only one may")
    assert rows(hub, tmp_path) == 3
    (stranded,) = (data for path, data in hub.files(DATA).items() if path.startswith("trial/stranded/"))
    assert stranded.count(b",Ann,") == 2
