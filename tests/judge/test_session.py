"""One session, state by state, on a real run folder."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from eval.errors import InputError
from eval.judge.page.judging_state import JudgingState
from eval.judge.page.open_session import answer_action
from eval.judge.page.page_protocol import Action
from eval.judge.page.session import ELSEWHERE, NOTHING_TO_UNDO, STALE
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.judge.study.blinding import Choice
from eval.judge.study.forms import Notice
from eval.records import Verdict
from eval.run import Run
from tests.judge.person import PLAIN, Person
from tests.judge.runs import make_run, make_run_of, prompt, response


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, n=4)


@pytest.fixture
def ana(run: Run) -> Person:
    return Person(JudgingState(run, PLAIN))


def rows(run: Run) -> list[Verdict]:
    return read_verdicts(run.verdicts_path)


def test_without_a_name_the_question_is_shown(run: Run) -> None:
    judging = JudgingState(run, PLAIN)
    assert answer_action(judging, None, Action(act="hello"))[1].state == "welcome"
    nameless = answer_action(judging, None, Action(act="sit", reviewer="  "))[1]
    assert (nameless.state, nameless.notice) == ("welcome", Notice("name_missing"))
    assert answer_action(judging, None, Action(act="sit", reviewer="x" * 61))[1].notice == Notice("name_long", "60")
    assert answer_action(judging, None, Action(act="sit", reviewer="A\u202ena"))[1].notice == Notice("name_invisible")


def test_a_name_is_one_however_it_was_typed(run: Run) -> None:
    assert Person(JudgingState(run, PLAIN), " Zoe\u0308  K ").view.reviewer == "Zo\u00eb K"


def test_a_fixed_name_cannot_be_changed(run: Run) -> None:
    session, view = answer_action(JudgingState(run, PLAIN), None, Action(act="sit", reviewer="Mallory"), fixed="Ana")
    assert (session is not None, view.reviewer) == (True, "Ana")


@pytest.mark.parametrize("choice", ["left", "right", "tie", "both_bad"])
def test_a_verdict_is_one_row_that_says_what_was_shown(run: Run, ana: Person, choice: Choice) -> None:
    pair, left = ana.view.pair, ana.view.left
    assert pair is not None
    after = ana.vote(choice, "because\nof this")
    (row,) = rows(run)
    right = "tuned" if left == "base" else "base"
    expected = {"left": left, "right": right, "tie": "tie", "both_bad": "both_bad"}[choice]
    assert (row.outcome, row.left, row.item, row.comment) == (expected, left, pair.prompt_id, "because\nof this")
    assert (row.run, row.reviewer, row.category, row.replaces) == ("trial", "Ana", "colours", "")
    assert (row.base_sha256, row.tuned_sha256) == (pair.base.sha256, pair.tuned.sha256)
    assert (after.saved, after.judged, after.total, after.comment) == (True, 1, 4, "")
    assert after.pair is not None
    assert after.pair.prompt_id != row.item


def test_all_done_says_so_and_can_be_undone(run: Run, ana: Person) -> None:
    for _ in range(4):
        ana.vote("tie")
    assert (ana.view.state, ana.view.judged, ana.view.pair) == ("done", 4, None)
    assert ana.vote("left").state == "done"
    assert len(rows(run)) == 4
    assert ana.undo().state == "ask"
    assert ana.vote("left").state == "done"
    assert len(in_force(rows(run))) == 4


def test_undo_brings_back_pair_sides_and_comment(run: Run, ana: Person) -> None:
    before = ana.view
    ana.vote("left", "hasty")
    back = ana.undo("a draft on the next pair")
    assert (back.pair, back.left, back.comment, back.judged) == (before.pair, before.left, "hasty", 0)
    assert in_force(rows(run)) == []
    after = ana.vote("right", "on reflection")
    first, mark, second = rows(run)
    assert (mark.outcome, mark.replaces, second.replaces) == ("withdrawn", first.verdict_id, mark.verdict_id)
    assert in_force(rows(run)) == [second]
    assert second.outcome != first.outcome
    assert after.comment == "a draft on the next pair"


def test_undo_goes_back_step_by_step_and_no_further(run: Run, ana: Person) -> None:
    first = ana.item
    ana.vote()
    second = ana.item
    ana.vote()
    assert (ana.undo().judged, ana.item) == (1, second)
    assert (ana.undo().judged, ana.item) == (0, first)
    assert (ana.undo().notice, ana.item) == (NOTHING_TO_UNDO, first)
    ana.vote()
    assert ana.item == second


def test_a_sitting_resumes_from_the_file(run: Run, ana: Person) -> None:
    ana.vote()
    ana.vote(comment="taken back later")
    ana.undo()
    again = Person(JudgingState(run, PLAIN))
    assert (again.item, again.view.judged, again.view.comment) == (ana.item, 1, "taken back later")
    again.vote()
    assert len(in_force(rows(run))) == 2


def test_a_posted_twice_verdict_is_one_row(run: Run, ana: Person) -> None:
    nonce = ana.view.nonce
    ana.vote("left", nonce=nonce)
    due = ana.item
    second = ana.vote("left", nonce=nonce)
    assert (second.notice, second.saved, ana.item) == (STALE, False, due)
    assert len(rows(run)) == 1


def test_posts_at_the_same_moment_are_one_row(run: Run, ana: Person) -> None:
    session, nonce = ana.session, ana.view.nonce
    assert session is not None
    action = Action(act="vote", choice="left", nonce=nonce, reviewer="Ana")
    threads = [threading.Thread(target=session.handle, args=(action,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(run)) == 1


@pytest.mark.parametrize("nonce", ["", "guessed", "hidden-item-0001"])
def test_an_unknown_nonce_records_nothing(run: Run, ana: Person, nonce: str) -> None:
    due = ana.item
    assert ana.vote("left", nonce=nonce).notice == STALE
    assert ana.item == due
    assert rows(run) == []


def test_an_undo_posted_twice_takes_back_one(run: Run, ana: Person) -> None:
    ana.vote()
    ana.vote()
    assert ana.session is not None
    twice = Action(act="undo", nonce=ana.view.nonce, reviewer="Ana")
    ana.session.handle(twice)
    assert ana.session.handle(twice).judged == 1
    assert len(in_force(rows(run))) == 1


def test_two_tabs_of_one_reviewer_make_one_row_an_item(run: Run) -> None:
    judging = JudgingState(run, PLAIN)
    left_tab, right_tab = Person(judging), Person(judging)
    assert left_tab.item == right_tab.item
    left_tab.vote("left")
    assert right_tab.vote("right").notice == ELSEWHERE
    assert right_tab.item == left_tab.item
    assert len(rows(run)) == 1


def test_two_servers_on_one_run_make_one_row_an_item(run: Run) -> None:
    one, other = Person(JudgingState(run, PLAIN)), Person(JudgingState(run, PLAIN))
    one.vote("left")
    assert other.vote("right").notice == ELSEWHERE
    other.vote("tie")
    assert len({row.item for row in rows(run)}) == len(rows(run)) == 2


def test_after_a_restart_of_the_server_the_pair_comes_again(run: Run, ana: Person) -> None:
    due, nonce = ana.item, ana.view.nonce
    ana.judging, ana.session = JudgingState(run, PLAIN), None
    view = ana.vote("left", nonce=nonce)
    assert (view.notice, view.keep, ana.item) == (STALE, True, due)
    assert rows(run) == []


def test_skipped_pairs_come_back_at_the_end(run: Run, ana: Person) -> None:
    skipped = ana.item
    ana.skip()
    assert (ana.view.skipped, ana.view.judged) == (1, 0)
    asked = [ana.item]
    for _ in range(2):
        ana.vote()
        asked.append(ana.item)
    ana.vote()
    assert skipped not in asked
    assert ana.item == skipped
    assert ana.vote().state == "done"


def test_reviewers_see_nothing_of_each_other(run: Run, ana: Person) -> None:
    ana.vote("left", "mine")
    bo = Person(ana.judging, "Bo")
    assert (bo.view.judged, bo.view.comment, bo.view.can_undo) == (0, "", False)


def test_identical_answers_are_never_asked(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=[("same", "same"), ("this", "that"), ("", "")])
    ana = Person(JudgingState(run, PLAIN))
    assert (ana.item, ana.view.total) == ("hidden-item-0001", 1)
    assert ana.vote().state == "done"


def test_a_pair_with_an_answer_missing_is_never_asked(tmp_path: Path) -> None:
    run = make_run_of(tmp_path, [prompt(0)], [response(prompt(0), "base", "alone")])
    assert Person(JudgingState(run, PLAIN)).view.state == "none"


def test_answers_that_changed_are_judged_again(run: Run, ana: Person) -> None:
    judged = ana.item
    ana.vote()
    text = run.responses_path.read_text()
    changed = make_run(run.folder.parent.parent / "elsewhere", answers=[(f"New {i}", f"Newer {i}") for i in range(4)])
    run.responses_path.write_bytes(changed.responses_path.read_bytes())
    assert run.responses_path.read_text() != text
    again = Person(JudgingState(run, PLAIN))
    assert (again.view.judged, again.item) == (0, judged)
    again.vote()
    assert len(in_force(rows(run))) == 1


def test_a_spoilt_file_stops_the_start(run: Run) -> None:
    run.verdicts_path.write_text("nonsense\n")
    with pytest.raises(InputError, match="columns"):
        JudgingState(run, PLAIN)


def test_a_file_spoilt_while_judging_is_told_and_the_pair_stays(run: Run, ana: Person) -> None:
    ana.vote()
    good, due = run.verdicts_path.read_bytes(), ana.item
    run.verdicts_path.write_bytes(good + b"v9,trial\n")
    view = ana.vote("left", "my words")
    assert view.notice is not None
    assert "verdicts.csv:3: 2 cells instead of 15" in view.notice.detail
    assert (ana.item, view.comment, view.keep, view.saved) == (due, "my words", True, False)
    run.verdicts_path.write_bytes(good)
    assert ana.vote("left", view.comment).saved
    assert [row.comment for row in rows(run)] == ["", "my words"]
