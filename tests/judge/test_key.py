"""The run's key on disk: made once, whole, for its owner; lost, swapped or spoilt keys are reported, no row changes."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.errors import InputError
from eval.judge.page.judging_state import JudgingState
from eval.judge.setup.begin import begin_judging
from eval.judge.setup.keyfile import KEY_FILE
from eval.judge.setup.plan import NAME
from eval.judge.setup.planning import blinding_rule
from eval.judge.store.verdict_files import read_verdicts
from eval.judge.study.blinding import Blinding
from eval.judge.study.study import Overlap, Repeats, Study
from eval.report.tables import run_checks
from eval.run import Run, open_run
from tests.judge.person import PLAIN, Person
from tests.judge.runs import FIXED_KEY, make_run, with_key
from tests.judge.verdicts import verdict, verdict_store
from tests.support import ROOT

_BEGIN = """
import sys
from pathlib import Path
from eval.judge.setup.begin import begin_judging
from eval.run import open_run
run = open_run(Path(sys.argv[1]), "trial")
print("ready", flush=True)
sys.stdin.readline()
print(begin_judging(run).blinding.fingerprint)
"""
#: A process for each line, a step and a folder of runs: it begins judging, and dies by kill -9 in front of the
#: so-manieth thing that it does to a file of the key, the plan or run.json. How each ended is printed.
_KILLED = """
import os, signal, sys
from pathlib import Path
from eval.judge.setup.begin import begin_judging
from eval.run import open_run
def watch(event, args):
    global left
    if event in ("open", "os.rename", "os.remove", "os.chmod", "os.link") and any(
        name in str(args[0]) for name in (".blinding", "plan.json", "run.json", "study.json")
    ):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
for line in sys.stdin:
    step, _, folder = line.rstrip("\\n").partition(" ")
    child = os.fork()
    if not child:
        left = int(step)
        sys.addaudithook(watch)
        begin_judging(open_run(Path(folder), "trial"))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def reopened(run: Run) -> Run:
    return open_run(run.folder.parent, run.name)


def key_path(run: Run) -> Path:
    return run.folder / KEY_FILE


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def record(run: Run) -> tuple[str, int]:
    """The rule in run.json, and by how many keys."""
    found = reopened(run).info.blinding
    assert found is not None
    return found.rule, len(found.keys)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, n=20)


def test_it_is_made_for_its_owner_only_whatever_the_umask(run: Run) -> None:
    before = os.umask(0)
    try:
        JudgingState(run)
    finally:
        os.umask(before)
    assert mode(key_path(run)) == 0o600
    assert len(bytes.fromhex(key_path(run).read_text())) == 32
    assert record(run) == ("keyed", 1)
    assert not list(run.folder.glob(".blinding.key.*"))


def test_runs_of_one_name_have_keys_of_their_own(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / str(n), n=1) for n in range(20)]
    assert len({begin_judging(run).blinding.fingerprint for run in runs}) == 20


def test_servers_that_start_at_once_go_by_one_key_and_one_plan(run: Run) -> None:
    command = [sys.executable, "-c", _BEGIN, str(run.folder.parent)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    fingerprints = {process.communicate(timeout=60)[0].strip() for process in processes}
    found = reopened(run).info.blinding
    assert found is not None
    assert fingerprints == set(found.keys) == {begin_judging(run).blinding.fingerprint}


def test_a_process_killed_at_any_step_leaves_no_key_or_a_whole_one(tmp_path: Path) -> None:
    ended = []
    command = [sys.executable, "-c", _KILLED]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as beginning:
        assert beginning.stdin is not None
        assert beginning.stdout is not None
        for step in range(1, 60):
            run = make_run(tmp_path / str(step), n=3)
            print(step, run.folder.parent, file=beginning.stdin, flush=True)
            code = int(beginning.stdout.readline())
            there = key_path(run).read_text() if key_path(run).exists() else ""
            blinding = begin_judging(reopened(run)).blinding
            assert not there or Blinding("trial", bytes.fromhex(there)).fingerprint == blinding.fingerprint
            assert record(run) == ("keyed", 1)
            assert not list(run.folder.glob(".blinding.key.*"))
            ended.append((code, bool(there)))
            if code == 0:
                break
    assert ended[-1] == (0, True)
    assert {code for code, _ in ended[:-1]} == {-9}
    # Both before and after the key was there.
    assert {there for _, there in ended[:-1]} == {True, False}


def test_a_lost_key_is_told_and_rows_keep_their_sides(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    ana = Person(JudgingState(run, PLAIN), "Ana")
    ana.judge_all(most=12)
    last, left = ana.item, ana.view.left
    first = read_verdicts(run.verdicts_path)
    plan = (run.folder / NAME).read_bytes()
    key_path(run).unlink()
    assert caplog.records == []
    again = Person(JudgingState(run), "Ana")
    assert "is missing, and a new key was made: verdicts keep the sides that they were given" in caplog.text
    assert record(run) == ("keyed", 2)
    assert (run.folder / NAME).read_bytes() == plan
    assert (ana.item, ana.view.left) == (last, left)  # the page that is open keeps its pair and side
    shown = []
    for _ in first:
        again.undo()
        shown.append((again.item, again.view.left))
    assert shown == [(row.item, row.left) for row in reversed(first)]
    assert "The key was replaced 1×; verdicts keep the sides they were given." in "\n".join(
        run_checks.check_lines(reopened(run))
    )


def test_a_repeat_is_swapped_against_its_row_though_the_key_is_another(run: Run) -> None:
    study = Study(practice=0, repeats=Repeats(rate=0.5, after=1))
    for n in range(20):
        Person(JudgingState(with_key(run, bytes([n]) * 32), study), "Ana").judge_all(most=2)
    rows = read_verdicts(run.verdicts_path)
    sides = {row.item: row.left for row in rows if row.kind == "judgement"}
    repeats = [row for row in rows if row.kind == "repeat"]
    assert len(repeats) > 3
    assert all(row.left != sides[row.item] for row in repeats)


def test_another_key_is_told_and_an_earlier_one_that_came_back_too(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    Person(JudgingState(run, PLAIN), "Ana").judge_all(most=1)
    ours = key_path(run).read_text()
    JudgingState(with_key(run))
    assert caplog.text.count("is another key than the one that judging began with") == 1
    key_path(run).write_text(ours)
    JudgingState(run)
    JudgingState(run)
    assert caplog.text.count("is another key") == 2
    found = reopened(run).info.blinding
    assert found is not None
    assert found.keys[0] == Blinding("trial", FIXED_KEY).fingerprint
    assert record(run) == ("keyed", 2)


def test_before_the_first_verdict_another_key_leaves_no_trace(run: Run) -> None:
    JudgingState(run)
    key_path(run).unlink()
    JudgingState(run)
    assert record(run) == ("keyed", 1)


def test_a_run_judged_before_goes_on_with_the_old_rule_and_says_so(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    pair = "hidden-item-0000"
    verdict_store(run).append(verdict(item=pair))
    assert blinding_rule(run) == "unkeyed"
    bo = Person(JudgingState(run, PLAIN), "Bo")
    assert "was judged when sides were still an unkeyed hash, and continues that way" in caplog.text
    items = [prompt.id for prompt in run.prompts()]
    old = Blinding("trial", None)
    expected = old.sides("Bo", items)
    while bo.view.state == "ask":
        assert bo.view.left == expected[bo.item]
        bo.vote()
    assert not key_path(run).exists()
    assert record(run) == ("unkeyed", 0)
    assert json.loads((run.folder / NAME).read_text())["blinding"] == "unkeyed"
    assert "Sides: computed by an unkeyed hash of run, reviewer and item" in "\n".join(
        run_checks.check_lines(reopened(run))
    )
    JudgingState(with_key(run))  # a key that turns up later is not this run's
    assert record(run) == ("unkeyed", 0)


def test_a_record_that_is_lost_makes_no_keyed_run_an_old_one(run: Run) -> None:
    """run.json put back as it was collected: the plan still says that there was a key."""
    collected = (run.folder / "run.json").read_bytes()
    Person(JudgingState(run, PLAIN), "Ana").judge_all(most=2)
    key_path(run).unlink()
    (run.folder / "run.json").write_bytes(collected)
    assert blinding_rule(reopened(run)) == "keyed"
    assert begin_judging(reopened(run)).blinding.rule == "keyed"


def test_who_collects_meanwhile_keeps_the_record(run: Run) -> None:
    """A collector holds run.json as it was when it began, and writes its counts at the end."""
    JudgingState(run)
    run.update(counts={"answered": 40})
    assert record(run) == ("keyed", 1)
    assert reopened(run).info.counts == {"answered": 40}


def what_it_is(path: Path) -> tuple[int, ...]:
    stat = path.lstat()
    return stat.st_ino, stat.st_mode, stat.st_size, stat.st_mtime_ns


def link(path: Path) -> None:
    path.with_name("elsewhere").write_text(FIXED_KEY.hex() + "\n")
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(b""), "is not a key (64 hexadecimal digits)"),
        (lambda path: path.write_bytes(b"\n"), "is not a key (64 hexadecimal digits)"),
        (lambda path: path.write_bytes(FIXED_KEY), "is not a key (64 hexadecimal digits)"),
        (lambda path: path.write_text(FIXED_KEY.hex()[:63]), "is not a key (64 hexadecimal digits)"),
        (lambda path: path.write_text(FIXED_KEY.hex() + "00\n"), "is not a key (64 hexadecimal digits)"),
        (lambda path: path.write_text(FIXED_KEY.hex() + "\n" * 40), "is not a key (64 hexadecimal digits)"),
        (lambda path: path.write_bytes(FIXED_KEY.hex().encode() + b"\n" + b"x" * 10_000), "is not a key"),
        (lambda path: path.mkdir(), "is not a key (64 hexadecimal digits)"),
        (os.mkfifo, "is not a key (64 hexadecimal digits)"),
        (link, "cannot be read as the run's key (it is a symbolic link)"),
        (lambda path: path.symlink_to("nowhere"), "cannot be read as the run's key (it is a symbolic link)"),
    ],
)
def test_what_is_no_key_is_refused_in_a_sentence_and_left_as_it_is(
    run: Run, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(key_path(run))
    before = what_it_is(key_path(run))
    with pytest.raises(InputError) as caught:
        JudgingState(run)
    assert str(caught.value).startswith(f"{key_path(run)}: {said}")
    assert "restore it, or remove it to continue with a new key" in str(caught.value)
    assert what_it_is(key_path(run)) == before
    assert reopened(run).info.blinding is None
    assert not (run.folder / NAME).exists()


def test_a_key_that_others_could_read_is_closed_to_them_and_told(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    key_path(with_key(run)).chmod(0o644)
    assert begin_judging(run).blinding.fingerprint == Blinding("trial", FIXED_KEY).fingerprint
    assert mode(key_path(run)) == 0o600
    assert caplog.text.count("could be read by others; its permissions are fixed now") == 1
    caplog.clear()
    begin_judging(run)
    assert caplog.record_tuples == []


def test_a_folder_that_cannot_be_written_is_one_sentence(run: Run) -> None:
    lock = run.folder / ".blinding.lock"
    lock.mkdir()
    with pytest.raises(InputError, match=r"\.blinding\.lock: cannot be written \(Is a directory\)"):
        JudgingState(run)


def test_a_study_changed_or_a_plan_lost_after_judging_began_is_told(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    Person(JudgingState(run, PLAIN), "Ana").judge_all(most=2)
    JudgingState(run)
    assert caplog.record_tuples == []
    plan = (run.folder / NAME).read_bytes()
    (run.folder / NAME).unlink()
    JudgingState(run)
    assert caplog.record_tuples == []
    assert (run.folder / NAME).read_bytes() == plan  # by the same key
    JudgingState(run, PLAIN.model_copy(update={"overlap": Overlap(reviewers=2)}))
    assert caplog.text.count("the plan changes after 2 verdicts: overlap 2 on 100% of the pairs") == 1
    assert (run.folder / NAME).read_bytes() == plan
    assert {name for name, level, _ in caplog.record_tuples if level >= logging.WARNING} == {"eval.judge.setup.begin"}


def test_a_copy_of_the_folder_gets_a_key_of_its_own_where_its_key_was_left_out(run: Run, tmp_path: Path) -> None:
    """Another machine may continue judging: it is reported, and what was judged stays."""
    Person(JudgingState(run, PLAIN), "Ana").judge_all(most=5)
    shutil.copytree(run.folder, tmp_path / "other" / run.name, ignore=shutil.ignore_patterns(".*"))
    copy = open_run(tmp_path / "other", run.name)
    assert Person(JudgingState(copy), "Ana").view.judged == 5
    assert record(copy) == ("keyed", 2)
    assert record(run) == ("keyed", 1)
