"""A study that asks how much better: the grade is kept beside the verdict, and says what it means in models."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.errors import InputError
from eval.judge.page.judging_state import JudgingState
from eval.judge.page.session import STALE
from eval.judge.page.views import bar_html
from eval.judge.store.verdict_files import read_verdicts
from eval.judge.study.study import Overlap, Study
from eval.records import Side
from eval.run import Run
from tests.judge.person import PLAIN, Person
from tests.judge.runs import make_run

GRADED = Study(practice=0, overlap=Overlap(reviewers=9), mode="graded")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, n=8)


@pytest.mark.parametrize(
    ("choice", "wins", "strength"),
    [
        ("left_much", "left", "2"),
        ("left", "left", "1"),
        ("tie", "tie", ""),
        ("both_bad", "both_bad", ""),
        ("right", "right", "1"),
        ("right_much", "right", "2"),
    ],
)
def test_a_grade_is_a_verdict_and_how_far(run: Run, choice: str, wins: str, strength: str) -> None:
    ana = Person(JudgingState(run, GRADED))
    left: Side = ana.view.left
    other: Side = "tuned" if left == "base" else "base"
    assert ana.vote(choice).saved
    (row,) = read_verdicts(run.verdicts_path)
    assert row.outcome == {"left": left, "right": other}.get(wins, wins)
    assert row.criteria == {"strength": strength}
    assert ana.act("recent").recent[0].choice == choice
    assert ana.undo().earlier == choice


def test_an_undone_grade_leaves_none_behind(run: Run) -> None:
    ana = Person(JudgingState(run, GRADED))
    ana.vote("left_much")
    ana.undo()
    ana.vote("tie")
    assert [row.criteria["strength"] for row in read_verdicts(run.verdicts_path)] == ["2", "2", ""]


def test_a_study_without_grades_takes_none(run: Run) -> None:
    ana = Person(JudgingState(run, PLAIN))
    assert ana.vote("left_much").notice == STALE
    assert read_verdicts(run.verdicts_path) == []
    assert "left_much" not in bar_html(PLAIN)
    assert bar_html(GRADED).count("data-vote=") == 6


def test_a_judged_run_takes_up_no_grades(run: Run) -> None:
    Person(JudgingState(run, PLAIN)).vote()
    with pytest.raises(InputError, match="rows with other columns"):
        JudgingState(run, GRADED)


def test_a_criterion_of_that_name_is_refused_with_grades_only() -> None:
    criteria = [{"name": "strength", "question": "Stronger?"}]
    assert Study.model_validate({"criteria": criteria}).columns.criteria == ("strength",)
    with pytest.raises(ValueError, match="two columns are called strength"):
        Study.model_validate({"criteria": criteria, "mode": "graded"})
