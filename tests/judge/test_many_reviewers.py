"""Many reviewers at once, in threads and processes: nothing twice, nothing lost, each pair judged as planned."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from eval.answers import read_answers
from eval.judge.page.judging_state import JudgingState
from eval.judge.setup.frozen_study import freeze_study
from eval.judge.setup.planning import planned_reviewers
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.judge.study.study import Overlap, Repeats, Study
from eval.run import Run
from tests.judge.person import Person
from tests.judge.runs import make_run, with_key
from tests.support import ROOT

_JUDGE = """
import os, sys, threading
from pathlib import Path
from eval.judge.page.judging_state import JudgingState
from eval.run import open_run
from tests.judge.person import Person

judging = JudgingState(open_run(Path(sys.argv[1]), "trial"))

def judge(reviewer):
    person = Person(judging, reviewer)
    while person.view.state == "ask":
        if person.vote("left", reviewer).saved:
            os.write(1, f"{reviewer}\\t{person.view.judged}\\n".encode())  # in one piece

os.write(1, b"ready\\n")
sys.stdin.readline()
threads = [threading.Thread(target=judge, args=(f"{sys.argv[2]} {i}",)) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
STUDY = Study(practice=0, overlap=Overlap(reviewers=3, share=0.4), repeats=Repeats(rate=0.1, after=2))


def start(run: Run, name: str) -> subprocess.Popen[str]:
    """A process in which eight reviewers judge until nothing is left, once they are reported to."""
    command = [sys.executable, "-c", _JUDGE, str(run.folder.parent), name]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def acknowledged(lines: list[str]) -> dict[str, int]:
    """reviewer -> how many verdicts they were told to be saved."""
    told = [line.split("\t") for line in lines if line.endswith("\n")]
    return {reviewer: int(judged) for reviewer, judged in told}


def check(run: Run, told: dict[str, int], n: int) -> None:
    rows = read_verdicts(run.verdicts_path)
    assert in_force(rows) == rows
    assert len({row.slot for row in rows}) == len(rows)
    kept = Counter(row.reviewer for row in rows)
    assert all(kept[reviewer] >= judged for reviewer, judged in told.items())
    by_item = Counter(row.item for row in rows if row.kind == "judgement")
    plan = planned_reviewers(run, read_answers(run.responses_path))
    assert len(plan) == n
    assert all(by_item[item] >= target for item, target in plan.items())


def test_eight_threads_in_two_processes(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=60)
    freeze_study(run, STUDY)
    processes = [start(run, name) for name in ("one", "two")]
    for process in processes:
        tell(process)
    told: dict[str, int] = {}
    for process in processes:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        told |= acknowledged(said.splitlines(keepends=True))
    assert len(told) == 16
    check(run, told, 60)


def test_a_server_killed_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=60)
    freeze_study(run, STUDY)
    process = start(run, "one")
    tell(process)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(40)]
    process.kill()
    lines += process.stdout.readlines()
    process.communicate()
    told = acknowledged(lines)
    rows = read_verdicts(run.verdicts_path)
    assert sum(told.values()) <= len(rows) <= sum(told.values()) + 8
    again = start(run, "one")
    tell(again)
    said, _ = again.communicate(timeout=120)
    assert again.returncode == 0
    check(run, told | acknowledged(said.splitlines(keepends=True)), 60)


def test_one_process_asks_no_more_than_is_planned(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=60)
    judging = JudgingState(run, STUDY)
    people = [Person(judging, f"reviewer {i}") for i in range(6)]
    while any(person.view.state == "ask" for person in people):
        for person in people:
            if person.view.state == "ask":
                person.vote("tie")
    plan = planned_reviewers(run, read_answers(run.responses_path))
    by_item = Counter(row.item for row in read_verdicts(run.verdicts_path) if row.kind == "judgement")
    extra = sum((by_item - Counter(plan)).values())
    assert by_item >= Counter(plan)
    assert extra <= len(people)  # the last pairs were before several


def test_others_verdicts_change_nothing_that_is_seen(tmp_path: Path) -> None:
    """Bo's page is the same whether Ana preferred A or B, and says nothing of Ana."""
    views = []
    for choice in ("left", "right"):
        run = with_key(make_run(tmp_path / choice, n=6))
        judging = JudgingState(run, Study(practice=0, overlap=Overlap(reviewers=2)))
        Person(judging, "Ana").judge_all(choice)
        bo = Person(judging, "Bo")
        view = bo.act("recent")
        assert "Ana" not in repr(view)
        views.append((bo.item, view.left, view.judged, view.total, view.comment, view.filled, view.recent))
    assert views[0] == views[1]
