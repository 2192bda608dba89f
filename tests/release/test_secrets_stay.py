"""What is in a run's folder beside its files (keys, locks, copies) is in nothing that leaves the machine."""

from __future__ import annotations

import base64
import gzip
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.judge.setup.begin import begin_judging
from eval.release.gate.decision import read_decision
from eval.release.hub.evidence_bundle import write_evidence
from eval.release.hub.lineage import tuned_artifact
from eval.release.hub.release import release
from eval.release.hub.sync import FILES, Sync
from eval.release.next_round.harvest import harvest
from eval.report.write_report import write_report
from eval.run import open_run
from tests.release.hub_state import Hub
from tests.release.judged import Project, make_project

#: Names that people, programs and blindside itself leave in a run's folder and in report/.
NAMES = (
    ".blinding.key",
    ".pseudonyms.key.123",
    ".lock",
    ".verdicts.lock",
    ".verdicts.csv",
    "._verdicts.csv",
    ".verdicts.csv.4711.part",
    ".run.json.4711.part",
    ".~lock.verdicts.csv#",
    ".env",
    ".git-credentials",
    "verdicts.csv.torn-1",
    "verdicts (copy).csv",
    "reviewers.csv",
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "home")


@pytest.fixture
def planned(project: Project) -> None:
    """The plan lies there before what is hidden takes the key's place."""
    begin_judging(project.run)


@pytest.fixture
def hidden(project: Project) -> list[bytes]:
    """What each of these files holds, in every spelling in which it could go out."""
    found = []
    for folder in (project.run.folder, project.run.report_folder, project.tuned):
        (folder / ".cache").mkdir()
        for name in (*NAMES, ".cache/blinding.key"):
            secret = secrets.token_bytes(32)
            (folder / name).write_bytes(secret)
            found += [secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"=")]
    return found


def files_below(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


def uploaded(hub: Hub) -> Iterator[bytes]:
    """Every body that the Hub was sent, and every file of every revision."""
    yield from hub.bodies
    for name, repo in hub.repos.items():
        for revision in repo.revisions:
            files = hub.files(name, revision)
            yield from files.values()
            assert not [path for path in files if Path(path).name in NAMES]


def assert_in_none(hidden: list[bytes], texts: Iterator[bytes]) -> None:
    looked_at = 0
    for text in texts:
        looked_at += 1
        assert not [secret for secret in hidden if secret in text]
    assert looked_at > 0


def test_a_release_leaves_them(project: Project, hub: Hub, hidden: list[bytes]) -> None:
    release(project.run, "our/tuned", say=lambda line: None)
    release(project.run, "our/proposed", say=lambda line: None, create_pr=True, comments=True)
    assert_in_none(hidden, uploaded(hub))


def test_copies_while_people_judge_leave_them(project: Project, hub: Hub, hidden: list[bytes]) -> None:
    Sync(project.run, "our/kept").push()
    assert_in_none(hidden, uploaded(hub))
    there = {path.removeprefix("trial/") for path in hub.files("our/kept")} - {".gitattributes"}
    assert there == {name for name in FILES if (project.run.folder / name).exists()}


@pytest.mark.parametrize("comments", [False, True])
def test_the_pseudonymised_copy_leaves_them(
    project: Project, hidden: list[bytes], tmp_path: Path, comments: bool
) -> None:
    decision = read_decision(project.run.folder)
    write_evidence(project.run, decision, tuned_artifact(project.tuned), tmp_path / "eval", comments=comments)
    assert_in_none(hidden, files_below(tmp_path / "eval"))


def test_the_report_leaves_them(project: Project, planned: None, hidden: list[bytes]) -> None:
    write_report(open_run(project.run.folder.parent, project.run.name))
    made = [path for path in project.run.report_folder.iterdir() if path.is_file() and path.name not in NAMES]
    assert_in_none(hidden, (path.read_bytes() for path in made))


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz"])
def test_harvested_pairs_leave_them(project: Project, hidden: list[bytes], tmp_path: Path, name: str) -> None:
    out = tmp_path / "harvest" / name
    harvest(project.run, out, say=lambda line: None)
    found = list(files_below(out.parent))
    packed = gzip.decompress if name.endswith(".gz") else bytes
    assert_in_none(hidden, iter([*found, packed(out.read_bytes())]))
