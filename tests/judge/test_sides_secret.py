"""Attacks on the sides: by a reviewer who has everything but the key, over HTTP, and by two servers at once."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from eval.judge.page.judging_state import JudgingState
from eval.judge.page.session import ReviewerSession
from eval.judge.store.verdict_files import read_verdicts
from eval.judge.study.study import Overlap, Study
from eval.records import Side
from eval.run import Run, open_run
from tests.judge.person import Person
from tests.judge.runs import make_run
from tests.judge.server import EVERY_PAIR, Tab, served

N = 120
ITEMS = [f"hidden-item-{i:04d}" for i in range(N)]


class Knowing:
    """A reviewer who has read the source as it was before there were keys, and who knows the run's name and prompts.

    From these come the items, and from them all that an unkeyed hash decides.
    """

    def __init__(self, run: str, reviewer: str) -> None:
        self.run, self.reviewer = run, reviewer

    def hashed(self, purpose: str, item: str, *, reviewer: str | None = None) -> bytes:
        whose = self.reviewer if reviewer is None else reviewer
        return hashlib.sha256(json.dumps([purpose, self.run, whose, item]).encode()).digest()

    def sides(self, items: list[str]) -> dict[str, Side]:
        ranked = sorted(items, key=lambda item: self.hashed("side", item))
        low = (len(items) + self.hashed("odd", "")[0] % 2) // 2
        return {item: "base" if rank < low else "tuned" for rank, item in enumerate(ranked)}

    def several(self, share: float) -> set[str]:
        """Which items more than one person judges; all are of one category here."""
        ranked = sorted(ITEMS, key=lambda item: self.hashed("overlap", item, reviewer=""))
        return {item for i, item in enumerate(ranked) if int((i + 1) * share + 1e-9) > int(i * share + 1e-9)}


def seen_by(person: Person) -> dict[str, Side]:
    """item -> what stands left, of every pair that a person judges."""
    seen: dict[str, Side] = {}
    while person.view.state == "ask":
        seen[person.item] = person.view.left
        person.vote("tie")
    return seen


def test_a_reviewer_who_has_everything_but_the_key_predicts_sides_no_better_than_chance(tmp_path: Path) -> None:
    """An unkeyed hash is predicted 120 times of 120; by chance it is 60, and outside 30 to 90 once in ten million."""
    run = make_run(tmp_path, n=N)
    seen = seen_by(Person(JudgingState(run, Study(practice=0)), "Ana"))
    guessed = Knowing("trial", "Ana").sides(ITEMS)
    assert len(seen) == N
    assert 30 <= sum(guessed[item] == side for item, side in seen.items()) <= 90


def test_sides_seen_before_tell_nothing_of_the_runs_name(tmp_path: Path) -> None:
    """The right name explains what was seen no better than wrong ones do."""
    run = make_run(tmp_path, n=N)
    seen = seen_by(Person(JudgingState(run, Study(practice=0)), "Ana"))
    names = ["trial", *(f"qwen-{i:08x}" for i in range(400))]
    guesses = {name: Knowing(name, "Ana").sides(ITEMS) for name in names}
    hits = {name: sum(guess[item] == side for item, side in seen.items()) for name, guess in guesses.items()}
    assert hits["trial"] <= 90
    assert max(hits.values()) <= 95


def test_which_pairs_others_judge_too_cannot_be_computed(tmp_path: Path) -> None:
    study = Study(practice=0, overlap=Overlap(reviewers=2, share=0.5))
    judging = JudgingState(make_run(tmp_path, n=N), study)
    for name in ("Ana", "Bo"):
        Person(judging, name).judge_all()
    by_item = Counter(row.item for row in read_verdicts(judging.run.verdicts_path))
    several = {item for item, n in by_item.items() if n == 2}
    assert len(several) == N // 2
    assert 10 <= len(several & Knowing("trial", "").several(0.5)) <= 50


def test_practice_is_the_same_in_every_run_and_for_everybody(tmp_path: Path) -> None:
    """What is shown to everybody alike confirms no guess of a name."""
    shown = set()
    for name, reviewer in [("trial", "Ana"), ("trial", "Bo"), ("another", "Ana"), ("third", "Cy"), ("fourth", "Di")]:
        ana = Person(JudgingState(make_run(tmp_path / name / reviewer, n=2, name=name), Study(practice=3)), reviewer)
        sides = []
        while ana.view.practice:
            sides.append(ana.view.left)
            assert ana.act("show").left == sides[-1]
            ana.skip()
        shown.add(tuple(sides))
    assert shown == {("base", "base", "base")}


def everything(run: Run, url: str) -> str:
    """What a browser can get, by the page's own routes and by guessing at files."""
    seen = ""
    paths = ["/", "/config", "/gradio_api/info", "/gradio_api/startup-events", "/theme.css", "/.blinding.key"]
    paths += [f"{route}{run.folder}/{name}" for route in ("/gradio_api/file=", "/file=") for name in SECRET_FILES]
    for path in paths:
        with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            seen += f"{answer.headers}{answer.read().decode(errors='replace')}"
    return seen


SECRET_FILES = (".blinding.key", "plan.json", "run.json", "study.json")


def secrets_of(run: Run) -> list[str]:
    """The key in the forms in which it could be sent, and its fingerprint."""
    key = bytes.fromhex((run.folder / ".blinding.key").read_text())
    record = open_run(run.folder.parent, run.name).info.blinding
    assert record is not None
    assert (record.rule, len(record.keys), len(record.keys[0])) == ("keyed", 1, 16)
    return [key.hex(), key.hex().upper(), repr(key)[2:-1], *record.keys]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, n=8)


def test_nothing_that_is_sent_has_the_key_or_its_fingerprint(run: Run) -> None:
    with served(run, study=EVERY_PAIR.model_copy(update={"practice": 1})) as server:
        tab = Tab(server.url, "curious")
        seen = tab.shown.page
        seen += tab.vote("left").page  # the practice pair: what is known of it is reported
        seen += tab.act("skip", nonce=tab.shown.data["turn"]).page
        while tab.shown.data["state"] == "ask":
            seen += tab.vote("left").page
        seen += tab.act("recent", nonce=tab.shown.data["turn"]).page + everything(run, server.url)
        _, said = server.end()
    assert [one for one in secrets_of(run) if one in seen + said + "\n".join(server.said)] == []
    assert len(read_verdicts(run.verdicts_path)) == 8


def test_no_file_but_its_own_has_the_key(run: Run) -> None:
    with served(run) as server:
        Tab(server.url, "Ana").vote("left")
    key = bytes.fromhex((run.folder / ".blinding.key").read_text())
    files = [path for path in run.folder.rglob("*") if path.is_file() and path.name != ".blinding.key"]
    assert {"run.json", "study.json", "plan.json", "verdicts.csv"} <= {path.name for path in files}
    assert [path.name for path in files if key in (data := path.read_bytes()) or key.hex().encode() in data] == []


def test_two_servers_on_one_run_show_the_same_sides(run: Run) -> None:
    """Each page is brought to the front by what was judged on the other one."""
    with served(run) as one, served(run) as other:
        tabs = [Tab(one.url, "Ana"), Tab(other.url, "Ana")]
        for n in range(8):
            shown = [tab.act("show").answers for tab in tabs]
            assert len(shown[0]) == 2
            assert shown[0] == shown[1]
            tabs[n % 2].vote("left")
    rows = read_verdicts(run.verdicts_path)
    assert len({row.item for row in rows}) == len(rows) == 8
    assert all(row.outcome == row.left for row in rows)


def test_a_lost_key_is_told_on_the_console_and_judging_goes_on(run: Run) -> None:
    with served(run) as server:
        Tab(server.url, "Ana").vote("left")
        assert server.said[:-1] == []
    (run.folder / ".blinding.key").unlink()
    with served(run) as again:
        assert [line for line in again.said if ".blinding.key is missing, and a new key was made" in line]
        assert Tab(again.url, "Ana").vote("left").data["judged"] == "2"
    assert [row.outcome == row.left for row in read_verdicts(run.verdicts_path)] == [True, True]


def test_a_sitting_says_nothing_of_the_key(run: Run) -> None:
    session = ReviewerSession(JudgingState(run), "Ana")
    assert [one for one in secrets_of(run) if one in repr(session.show())] == []
