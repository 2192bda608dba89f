"""The pair that comes next is made ready while one is read: the same as then comes, and nothing is recorded by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.judge.page.judging_state import JudgingState
from eval.judge.page.next_pair import NOTHING
from eval.judge.page.page_protocol import View
from eval.judge.page.views import stage_html
from eval.judge.store.verdict_files import read_verdicts
from eval.judge.study.study import Gold, Overlap, Study
from eval.run import Run
from tests.judge.person import PLAIN, Person
from tests.judge.runs import make_run, with_key
from tests.judge.test_mixed_in import gold


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return with_key(make_run(tmp_path, n=30))


def look_ahead(person: Person, nonce: str | None = None) -> View:
    """What the page has ready; the person goes on looking at what is shown."""
    before = person.view
    ready = person.act("ahead", nonce=nonce)
    person.view = before
    return ready


def body(view: View) -> str:
    """What is painted of it: all but the data that go with the showing."""
    return stage_html(view).split(">", 1)[1]


@pytest.mark.parametrize("mode", ["compare", "graded"])
def test_what_is_ready_is_what_comes(run: Run, mode: str) -> None:
    mixed = {"gold": Gold(rate=0.3, pairs=tuple(map(gold, range(5)))), "repeats": {"rate": 0.3, "after": 3}}
    ana = Person(JudgingState(run, Study.model_validate({"practice": 0, "mode": mode, **mixed})))
    Person(ana.judging, "Bo").judge_all(most=3)
    for turn in range(60):
        ready = look_ahead(ana)
        if turn % 7 == 5:
            ana.skip()
            continue
        ana.vote("left" if turn % 2 else "tie")
        if ana.view.state != "ask":
            break
        assert (ready.pair, ready.left, body(ready)) == (ana.view.pair, ana.view.left, body(ana.view))
    assert ready == NOTHING
    kinds = {row.kind for row in read_verdicts(run.verdicts_path)}
    assert kinds == {"judgement", "gold", "repeat"}


def test_it_cannot_be_judged_and_changes_nothing(run: Run) -> None:
    ana = Person(JudgingState(run, PLAIN))
    shown = ana.view
    ready = look_ahead(ana)
    assert (ready.state, ready.nonce) == ("ask", "")
    assert look_ahead(ana, nonce="") == NOTHING
    ana.vote(nonce=ready.nonce)
    assert read_verdicts(run.verdicts_path) == []
    assert (ana.view.pair, ana.view.left) == (shown.pair, shown.left)
    assert ana.vote().saved


def test_nothing_is_ready_while_a_verdict_is_changed_or_in_practice(run: Run) -> None:
    ana = Person(JudgingState(run, Study(practice=1, overlap=Overlap(reviewers=9))))
    assert look_ahead(ana) == NOTHING
    ana.skip()
    ana.judge_all(most=2)
    ana.act("recent")
    ana.act("edit", edit=ana.view.recent[0].key)
    assert look_ahead(ana) == NOTHING


def test_it_is_kept_for_its_reviewer_as_long_as_others_have_another(tmp_path: Path) -> None:
    judging = JudgingState(with_key(make_run(tmp_path, n=4)), Study(practice=0, overlap=Overlap(reviewers=1)))
    ana = Person(judging)
    ready = look_ahead(ana)
    assert ready.pair is not None
    bo = Person(judging, "Bo")
    theirs = [bo.item]
    bo.vote()
    theirs.append(bo.item)
    assert {ana.item, ready.pair.prompt_id}.isdisjoint(theirs)
    bo.vote()
    assert bo.item == ready.pair.prompt_id
    # Now Bo has judged it: somebody else's verdict counts, and what was ready does not come.
    bo.vote()
    ana.vote()
    assert (ana.view.state, len(read_verdicts(judging.run.verdicts_path))) == ("done", 4)
