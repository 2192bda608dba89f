"""Criteria, tags, reasons: in places on the page, in models in the file, and never lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judge.page.judging_state import JudgingState
from eval.judge.page.session import EDIT_GONE, EDIT_LEFT, EDITED, STALE
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.judge.study.forms import FilledForm, Notice, Place, from_cells, problem, to_cells
from eval.judge.study.study import Study
from eval.records import SIDES, Side, Verdict
from eval.run import Run
from tests.judge.person import Person
from tests.judge.runs import make_run

STUDY = Study.model_validate(
    {
        "practice": 0,
        "criteria": [
            {"name": "clarity", "question": {"en": "Which is clearer?", "zh": "哪个更清楚？"}, "required": True},
            {"name": "facts", "question": "Are the facts right?", "scale": ["1", "2", "3"]},
        ],
        "tags": ["incorrect", "too_long"],
        "reason": "required",
    }
)
GIVEN = {"clarity": "left", "facts.left": "3", "facts.right": "1"}
TAGS: dict[Place, tuple[str, ...]] = {"right": ("incorrect", "too_long")}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, n=30)


@pytest.fixture
def ana(run: Run) -> Person:
    return Person(JudgingState(run, STUDY))


def rows(run: Run) -> list[Verdict]:
    return read_verdicts(run.verdicts_path)


@given(
    st.fixed_dictionaries(
        {
            "clarity": st.sampled_from(["", "left", "right", "tie"]),
            "facts.left": st.sampled_from(["", "1", "2", "3"]),
            "facts.right": st.sampled_from(["", "1", "2", "3"]),
        }
    ),
    st.sampled_from(SIDES),
)
def test_what_is_given_in_places_comes_back_in_places(given_there: dict[str, str], left: Side) -> None:
    cells = to_cells(STUDY, FilledForm(given_there), left)
    assert tuple(cells) == STUDY.columns.criteria
    assert all(not cell or cell in STUDY.values[name] for name, cell in cells.items())
    assert from_cells(STUDY, cells, left) == {key: value for key, value in given_there.items() if value}


def test_cells_speak_of_models() -> None:
    assert to_cells(STUDY, FilledForm(GIVEN), "tuned") == {"clarity": "tuned", "facts_base": "1", "facts_tuned": "3"}
    assert to_cells(STUDY, FilledForm(GIVEN), "base") == {"clarity": "base", "facts_base": "3", "facts_tuned": "1"}


def test_a_verdict_carries_criteria_tags_and_reason(run: Run, ana: Person) -> None:
    left = ana.view.left
    assert ana.act("vote", "left", "it is wrong", criteria=GIVEN, tags=TAGS).saved
    (row,) = rows(run)
    right: Side = "tuned" if left == "base" else "base"
    assert (row.criteria["clarity"], row.comment) == (left, "it is wrong")
    assert (row.criteria[f"facts_{left}"], row.criteria[f"facts_{right}"]) == ("3", "1")
    assert (row.tags_tuned if right == "tuned" else row.tags_base) == ("incorrect", "too_long")
    assert (row.tags_tuned if left == "tuned" else row.tags_base) == ()


@pytest.mark.parametrize(
    ("criteria", "tags", "comment", "notice"),
    [
        ({}, {}, "because", Notice("criterion_missing", "Which is clearer?")),
        ({"clarity": "tie"}, {}, " \n", Notice("reason_missing")),
        ({"clarity": "base"}, {}, "because", Notice("not_understood")),
        ({"clarity": "tie", "facts.left": "9"}, {}, "because", Notice("not_understood")),
        ({"clarity": "tie", "other": "1"}, {}, "because", Notice("not_understood")),
        ({"clarity": "tie"}, {"left": ("rude",)}, "because", Notice("not_understood")),
    ],
)
def test_a_refusal_keeps_everything_that_was_typed(
    run: Run,
    ana: Person,
    criteria: dict[str, str],
    tags: dict[Place, tuple[str, ...]],
    comment: str,
    notice: Notice,
) -> None:
    item = ana.item
    view = ana.act("vote", "left", comment, criteria=criteria, tags=tags)
    assert (view.notice, view.saved, view.keep) == (notice, False, True)
    assert (ana.item, view.comment, view.filled) == (item, comment, FilledForm(criteria, tags))
    assert rows(run) == []
    assert ana.act("vote", "left", "because", criteria={"clarity": "tie"}).saved


def test_a_refusal_is_in_the_reviewers_language() -> None:
    assert problem(STUDY, FilledForm(), "x", "zh") == Notice("criterion_missing", "哪个更清楚？")
    assert problem(STUDY.model_copy(update={"criteria": (), "reason": "off"}), FilledForm(), "", "zh") is None


def test_undo_brings_back_what_was_given_and_keeps_the_draft(ana: Person) -> None:
    ana.act("vote", "left", "first", criteria=GIVEN, tags=TAGS)
    draft: dict[Place, tuple[str, ...]] = {"left": ("too_long",)}
    back = ana.act("undo", comment="half", criteria={"clarity": "tie"}, tags=draft)
    assert (back.comment, back.filled) == ("first", FilledForm(GIVEN, TAGS))
    again = ana.act("vote", "tie", "second", criteria={"clarity": "tie"})
    assert (again.comment, again.filled) == ("half", FilledForm({"clarity": "tie"}, draft))


def test_undo_brings_it_back_after_a_restart(run: Run, ana: Person) -> None:
    ana.act("vote", "left", "first", criteria=GIVEN, tags=TAGS)
    ana.undo()
    again = Person(JudgingState(run))
    assert (again.view.comment, again.view.filled) == ("first", FilledForm(GIVEN, TAGS))


def test_a_skipped_pair_comes_back_with_its_draft(run: Run, ana: Person) -> None:
    skipped = ana.item
    ana.act("skip", comment="later", criteria={"facts.left": "2"}, tags=TAGS)
    while ana.item != skipped:
        ana.act("vote", "tie", "x", criteria={"clarity": "tie"})
    assert (ana.view.comment, ana.view.filled) == ("later", FilledForm({"facts.left": "2"}, TAGS))
    assert len(rows(run)) == 29


def test_skipped_pairs_stay_last_after_a_restart(run: Run, ana: Person) -> None:
    first = ana.item
    ana.skip()
    second = ana.item
    ana.skip()
    again = Person(JudgingState(run))
    assert again.view.skipped == 2
    seen = []
    while again.view.state == "ask":
        seen.append(again.item)
        again.act("vote", "tie", "x", criteria={"clarity": "tie"})
    assert seen[-2:] == [first, second]


def test_the_list_shows_all_verdicts_in_places(run: Run, ana: Person) -> None:
    choices = ["left", "right", "tie", "both_bad"] * 6
    for choice in choices:
        ana.act("vote", choice, "x", criteria={"clarity": "tie"})
    due = ana.item
    view = ana.act("recent", comment="half a word")
    assert [entry.choice for entry in view.recent] == choices[::-1]
    assert [entry.key for entry in view.recent] == [row.verdict_id for row in rows(run)[::-1]]
    assert {entry.comment for entry in view.recent} == {"x"}
    assert view.recent[0].snippet.startswith("Question ")
    assert not any("hidden-item" in str(entry) for entry in view.recent)
    assert (ana.item, view.comment, view.keep) == (due, "half a word", True)
    assert ana.act("show").recent == ()


def test_an_edit_replaces_only_when_voted_again(run: Run, ana: Person) -> None:
    for i in range(3):
        ana.act("vote", "left", f"reason {i}", criteria=GIVEN, tags=TAGS)
    due = ana.item
    first = rows(run)[0]
    view = ana.act("edit", comment="my draft", edit=first.verdict_id)
    assert (view.editing, ana.item, view.left, view.comment) == (True, first.item, first.left, "reason 0")
    assert view.filled == FilledForm(GIVEN, TAGS)
    assert (len(rows(run)), view.judged) == (3, 3)
    left = ana.act("leave", comment="changed my mind twice")
    assert (left.editing, left.notice, ana.item, left.comment) == (False, EDIT_LEFT, due, "my draft")
    assert len(rows(run)) == 3
    view = ana.act("edit", comment="my draft", edit=first.verdict_id)
    assert view.comment == "changed my mind twice"
    done = ana.act("vote", "right", "better", criteria=GIVEN)
    assert (done.notice, done.saved, done.judged, ana.item, done.comment) == (EDITED, True, 3, due, "my draft")
    new = rows(run)[-1]
    assert (new.replaces, new.item, new.left, new.comment) == (
        first.verdict_id,
        first.item,
        first.left,
        "better",
    )
    assert new.outcome != first.outcome
    assert len(in_force(rows(run))) == 3


@pytest.mark.parametrize("act", ["skip", "undo"])
def test_skip_and_undo_only_leave_an_edit(run: Run, ana: Person, act: str) -> None:
    ana.act("vote", "left", "x", criteria=GIVEN)
    due = ana.item
    ana.act("edit", edit=rows(run)[0].verdict_id)
    view = ana.act("skip") if act == "skip" else ana.act("undo")
    assert (view.notice, ana.item, view.editing, len(rows(run))) == (EDIT_LEFT, due, False, 1)


def test_a_refused_edit_stays_an_edit(run: Run, ana: Person) -> None:
    ana.act("vote", "left", "x", criteria=GIVEN)
    first = rows(run)[0]
    ana.act("edit", edit=first.verdict_id)
    view = ana.act("vote", "right", "")
    assert (view.notice, view.editing, ana.item) == (Notice("criterion_missing", "Which is clearer?"), True, first.item)
    stale = ana.act("vote", "right", "x", criteria=GIVEN, nonce="old")
    assert (stale.notice, stale.editing, ana.item) == (STALE, True, first.item)
    assert ana.act("vote", "right", "x", criteria=GIVEN).notice == EDITED


def test_nobody_edits_what_is_not_theirs_or_not_in_force(run: Run, ana: Person) -> None:
    for _ in range(21):
        ana.act("vote", "left", "x", criteria=GIVEN)
    bo = Person(ana.judging, "Bo")
    old, new = rows(run)[0].verdict_id, rows(run)[-1].verdict_id
    due = bo.item
    assert bo.act("edit", edit=new).notice == EDIT_GONE
    assert (bo.item, bo.view.recent) == (due, ())
    assert bo.act("recent").recent == ()
    assert ana.act("edit", edit=old).editing
    assert ana.act("leave").notice == EDIT_LEFT
    assert not ana.act("edit", edit="guessed").editing
    assert ana.act("edit", edit=new).editing
    assert ana.act("leave").notice == EDIT_LEFT
    ana.act("undo")
    assert ana.act("edit", edit=new).notice == EDIT_GONE


def test_an_edited_verdict_is_the_last_one(run: Run, ana: Person) -> None:
    for _ in range(3):
        ana.act("vote", "left", "x", criteria=GIVEN)
    first = rows(run)[0]
    ana.act("edit", edit=first.verdict_id)
    ana.act("vote", "tie", "y", criteria=GIVEN)
    assert ana.act("recent").recent[0].choice == "tie"
    ana.undo()
    assert (ana.item, ana.view.comment) == (first.item, "y")


def test_a_page_that_closes_gives_its_pair_to_the_others(run: Run) -> None:
    judging = JudgingState(make_run(run.folder.parent.parent / "two", n=2), Study(practice=0))
    ana, bo = Person(judging, "Ana"), Person(judging, "Bo")
    theirs = ana.item
    assert bo.item != theirs
    bo.vote()
    ana.act("leave")
    assert Person(judging, "Cy").item == theirs
    assert ana.vote("right", nonce=ana.view.nonce).saved


def test_a_disk_that_refuses_keeps_criteria_and_tags(run: Run, ana: Person) -> None:
    run.folder.rename(run.folder.with_name("gone"))
    view = ana.act("vote", "left", "mine", criteria=GIVEN, tags=TAGS)
    assert view.notice is not None
    assert (view.notice.key, view.comment, view.filled, view.keep) == (
        "not_saved",
        "mine",
        FilledForm(GIVEN, TAGS),
        True,
    )
    run.folder.with_name("gone").rename(run.folder)
    assert ana.act("vote", "left", "mine", criteria=GIVEN, tags=TAGS).saved
