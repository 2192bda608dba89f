"""Thumbs: one answer of one model, up or down, in a file of its own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from eval.judge.page.judging_state import JudgingState
from eval.judge.page.session import STALE
from eval.judge.setup.frozen_study import thumbs_path
from eval.judge.store.verdict_files import in_force, read_thumbs, read_verdicts
from eval.judge.study.forms import FilledForm
from eval.judge.study.study import Study
from eval.run import Run
from tests.judge.person import Person
from tests.judge.runs import make_run, make_run_of, prompt, response

STUDY = Study.model_validate(
    {
        "mode": "thumbs",
        "practice": 0,
        "criteria": [{"name": "stars", "question": "How many stars?", "scale": [1, 2, 3]}],
        "tags": ["incorrect", "unsafe"],
    }
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, n=5)


def test_an_answer_gets_one_row(run: Run) -> None:
    ana = Person(JudgingState(run, STUDY))
    shown = ana.view.answer
    assert shown is not None
    assert (ana.view.mode, ana.view.pair, shown.side) == ("thumbs", None, "tuned")
    assert ana.act("vote", "down", "wrong", criteria={"stars.left": "1"}, tags={"left": ("incorrect",)}).saved
    (row,) = read_thumbs(thumbs_path(run))
    assert (row.side, row.outcome, row.sha256, row.item) == ("tuned", "down", shown.sha256, shown.prompt_id)
    assert (row.criteria, row.tags, row.comment) == ({"stars": "1"}, ("incorrect",), "wrong")
    assert read_verdicts(run.verdicts_path) == []
    table = pd.read_csv(thumbs_path(run), keep_default_na=False)
    assert list(table.columns[7:11]) == ["sha256", "stars", "tags", "comment"]


def test_undo_edit_and_the_list_work_on_thumbs(run: Run) -> None:
    ana = Person(JudgingState(run, STUDY))
    for choice in ("up", "down"):
        ana.act("vote", choice, choice, criteria={"stars.left": "2"}, tags={"left": ("unsafe",)})
    recent = ana.act("recent").recent
    assert [entry.choice for entry in recent] == ["down", "up"]
    view = ana.act("edit", edit=recent[1].key)
    assert (view.editing, view.comment, view.filled) == (
        True,
        "up",
        FilledForm({"stars.left": "2"}, {"left": ("unsafe",)}),
    )
    ana.act("vote", "down", "after all")
    back = ana.undo()
    assert (back.comment, back.judged) == ("after all", 1)
    ana.act("vote", "up")
    rows = read_thumbs(thumbs_path(run))
    assert [row.outcome for row in rows] == ["up", "down", "down", "withdrawn", "up"]
    assert len(in_force(rows)) == 2
    assert Person(JudgingState(run)).view.judged == 2


@pytest.mark.parametrize(("study", "choice"), [(STUDY, "left"), (STUDY, "tie"), (Study(practice=0), "up")])
def test_a_choice_of_the_other_mode_is_not_recorded(run: Run, study: Study, choice: str) -> None:
    ana = Person(JudgingState(run, study))
    item = ana.item
    assert (ana.vote(choice).notice, ana.item) == (STALE, item)
    assert not thumbs_path(run).exists()
    assert not run.verdicts_path.exists()


def test_one_side_is_enough_and_identical_answers_are_asked(tmp_path: Path) -> None:
    asked = [prompt(0), prompt(1)]
    answers = [response(asked[0], "base", "alone"), *(response(asked[1], side, "same") for side in ("base", "tuned"))]
    run = make_run_of(tmp_path, asked, answers)
    ana = Person(JudgingState(run, STUDY.model_copy(update={"side": "base"})))
    assert ana.view.total == 2
    assert sorted(ana.judge_all("up")) == [one.id for one in asked]


def test_practice_shows_one_answer(run: Run) -> None:
    ana = Person(JudgingState(run, STUDY.model_copy(update={"practice": 1})))
    assert (ana.view.practice, ana.view.pair) == (1, None)
    assert ana.view.answer is not None
    ana.vote("up")
    assert ana.item.startswith("hidden-item")
    assert not thumbs_path(run).exists()
