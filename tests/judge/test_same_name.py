"""Names that differ in case, width or spaces alone: asked whether they are one person, and never merged unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.errors import InputError
from eval.judge.access.accounts import add_account, read_accounts
from eval.judge.page.judging_state import JudgingState
from eval.judge.page.views import stage_html
from eval.judge.study.forms import Notice
from eval.judge.study.names import name_key
from tests.judge.person import PLAIN, Person
from tests.judge.runs import make_run

ALIKE = ("ann", " ANN ", "Ａnn", "ＡＮＮ", "aNN")
OTHERS = ("Anna", "An n", "ann@example.org", "Änn", "Ann.")


@pytest.fixture
def judging(tmp_path: Path) -> JudgingState:
    judging = JudgingState(make_run(tmp_path, n=3), PLAIN)
    Person(judging, "Ann").judge_all()
    return judging


@pytest.mark.parametrize("name", ALIKE)
@pytest.mark.parametrize("act", ["hello", "sit"])
def test_who_is_nearly_called_so_is_asked_whether_it_is_the_same(judging: JudgingState, name: str, act: str) -> None:
    person = Person(judging, name)
    view = person.view if act == "hello" else person.act("sit")
    assert (view.state, view.notice, view.reviewer) == ("welcome", Notice("same_name", "Ann"), "")
    assert "Are you Ann, who already judges here?" in stage_html(view)


@pytest.mark.parametrize("name", OTHERS)
def test_another_name_is_another_person(judging: JudgingState, name: str) -> None:
    assert Person(judging, name).view.state == "ask"


def test_the_same_again_goes_on_and_the_known_name_joins(judging: JudgingState) -> None:
    person = Person(judging, "ann")
    nonce = person.view.nonce
    view = person.act("sit", nonce=nonce)
    assert (view.state, view.reviewer) == ("ask", "ann")
    person.judge_all()
    assert Person(judging, "ann").view.state == "done"
    assert Person(judging, "Ann").view.state == "done"
    assert {row.reviewer for row in judging.ledger.rows} == {"Ann", "ann"}


def test_the_question_is_answered_for_one_page_and_one_name(judging: JudgingState) -> None:
    nonce = Person(judging, "ann").view.nonce
    assert Person(judging, "ANN").act("sit", nonce=nonce).state == "welcome"
    assert Person(judging, "ann").act("sit", nonce="").state == "welcome"


def test_a_name_that_was_given_by_the_organiser_is_not_asked_about(judging: JudgingState) -> None:
    assert Person(judging, "ann", fixed="ann").act("sit").state == "ask"


def test_a_login_that_is_nearly_anothers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviewers.csv"
    add_account(path, "Ann", "a long password")
    with pytest.raises(InputError, match="'ann' is too similar to 'Ann', who already exists: choose another name"):
        add_account(path, "ann", "a long password")
    assert list(read_accounts(path)) == ["Ann"]


def test_keys_of_names() -> None:
    assert len({name_key(name) for name in ("Ann", *ALIKE)}) == 1
    assert name_key("Straße") == name_key("STRASSE")
    assert name_key("ﬁn") == name_key("Fin")
    assert len({name_key(name) for name in ("Ann", *OTHERS)}) == 1 + len(OTHERS)
