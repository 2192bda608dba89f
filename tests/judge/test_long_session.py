"""A long session: what was judged before, the list, flags, the target, the pace, and a word to rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.errors import InputError
from eval.judge.page.judging_state import JudgingState
from eval.judge.page.recent_verdicts import REST
from eval.judge.page.session import TARGET, UNDONE
from eval.judge.page.views import Show, stage_html
from eval.judge.store.side_files import flags_path
from eval.judge.store.verdict_files import read_verdicts
from eval.judge.study.forms import Notice
from eval.judge.study.study import Overlap, Repeats, Study
from eval.run import Run
from tests.judge.person import PLAIN, Person
from tests.judge.runs import make_run, with_key


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path, n=12)


@pytest.mark.parametrize(("choice", "words"), [("left", "A is better"), ("both_bad", "Both bad")])
def test_undo_and_edit_show_the_verdict_before(run: Run, choice: str, words: str) -> None:
    ana = Person(JudgingState(run, PLAIN))
    ana.vote(choice)
    back = ana.undo()
    assert (back.earlier, back.notice) == (choice, UNDONE)
    assert f"Your verdict was: {words}." in stage_html(back)
    assert f'data-earlier="{choice}"' in stage_html(back)
    item = ana.item
    reopened = Person(JudgingState(run, PLAIN))
    while reopened.item != item:
        reopened.skip()
    assert reopened.view.earlier == choice
    assert ana.vote("tie").earlier == ""
    edited = ana.act("edit", edit=read_verdicts(run.verdicts_path)[-1].verdict_id)
    assert (edited.earlier, edited.editing) == ("tie", True)
    assert ana.act("leave").earlier == ""


def test_a_flag_is_kept_on_disk_and_taken_off(run: Run) -> None:
    judging = JudgingState(run, PLAIN)
    ana = Person(judging)
    assert ana.act("flag", comment="half a word").flagged
    assert ana.view.comment == "half a word"
    ana.vote("left", "why not")
    assert (ana.view.flagged, ana.view.flags) == (False, 1)
    ana.vote("right")
    (second, first) = ana.act("recent").recent
    assert (first.flagged, second.flagged, first.comment, second.comment) == (True, False, "why not", "")
    view = ana.act("flag", edit=second.key)
    assert [entry.flagged for entry in view.recent] == [True, True]
    ana.act("flag", edit=first.key)
    again = Person(JudgingState(run, PLAIN))
    assert [entry.flagged for entry in again.act("recent").recent] == [True, False]
    assert Person(judging, "Bo").act("recent").recent == ()
    assert len(flags_path(run).read_text().splitlines()) == 4


def test_nobody_flags_what_is_not_theirs(run: Run) -> None:
    judging = JudgingState(run, PLAIN)
    ana, bo = Person(judging), Person(judging, "Bo")
    ana.vote()
    (entry,) = ana.act("recent").recent
    assert bo.act("flag", edit=entry.key).recent == ()
    assert not flags_path(run).exists()


def test_a_flag_in_practice_does_nothing(run: Run) -> None:
    ana = Person(JudgingState(run, Study(practice=1)))
    assert not ana.act("flag").flagged
    assert not flags_path(run).exists()


def test_a_spoilt_flags_file_is_named(run: Run) -> None:
    flags_path(run).write_text("run,item\n")
    with pytest.raises(InputError, match=r"flags.csv:1: is not run,item,reviewer,kind,flag,flagged_at"):
        JudgingState(run, PLAIN)


def test_the_target_does_not_shrink_while_others_judge(run: Run) -> None:
    judging = JudgingState(run, Study(practice=0, overlap=Overlap(reviewers=1)))
    ana, bo = Person(judging), Person(judging, "Bo")
    assert ana.vote().total == 12
    bo.judge_all(most=6)
    assert (ana.vote().total, ana.view.judged) == (12, 2)
    assert Person(JudgingState(run)).view.total == 12
    ana.judge_all()
    assert (ana.view.state, ana.view.judged, ana.view.total) == ("done", 6, 6)


def test_a_studys_target_is_told_when_it_is_reached_and_no_end(run: Run) -> None:
    ana = Person(JudgingState(run, PLAIN.model_copy(update={"target": 3})))
    assert ana.view.total == 3
    notices = [ana.vote().notice for _ in range(4)]
    assert notices == [None, None, TARGET, None]
    assert (ana.view.state, ana.view.judged, ana.view.total) == ("ask", 4, 4)


def test_the_pace_is_ones_own_median(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("eval.judge.page.session.time.monotonic", lambda: now)
    judging = JudgingState(run, PLAIN)
    ana = Person(judging)
    for seconds in (10, 20, 300, 20, 30):
        assert ana.view.pace == 0
        now += seconds
        ana.vote()
    assert ana.view.pace == 20
    assert 'data-pace="20.0"' in stage_html(ana.view)
    assert Person(judging, "Bo").view.pace == 0


def test_a_rest_is_suggested_now_and_then(tmp_path: Path) -> None:
    ana = Person(JudgingState(make_run(tmp_path, n=REST + 2), PLAIN))
    notices = [ana.vote().notice for _ in range(REST + 1)]
    assert notices == [*[None] * (REST - 1), Notice("rest", str(REST)), None]
    assert "A short rest" in stage_html(ana.view) or ana.view.notice is None


def test_the_list_is_in_the_page_and_whole(run: Run) -> None:
    ana = Person(JudgingState(run, PLAIN))
    for i in range(12):
        ana.vote("tie", f"<b>remark {i}</b>")
    page = stage_html(ana.act("recent"), Show(listed=True))
    assert page.count('data-act="edit"') == 12
    assert page.count("&lt;b&gt;remark ") == 12
    assert "<b>remark" not in page
    done = stage_html(ana.act("flag", edit=ana.view.recent[0].key))
    assert "Flagged: 1" in done


def test_an_undone_verdict_does_not_count_towards_the_rest(tmp_path: Path) -> None:
    ana = Person(JudgingState(make_run(tmp_path, n=REST + 2), PLAIN))
    ana.judge_all(most=3)
    ana.undo()
    notices = [ana.vote().notice for _ in range(REST - 2)]
    assert notices == [*[None] * (REST - 3), Notice("rest", str(REST))]
    # Told once, also where the verdict before it is taken back.
    ana.undo()
    assert ana.vote().notice is None


def test_a_pair_that_came_twice_is_flagged_as_one(tmp_path: Path) -> None:
    study = Study(practice=0, repeats=Repeats(rate=0.5, after=1))
    ana = Person(JudgingState(with_key(make_run(tmp_path, n=20)), study))
    seen: list[str] = []
    while ana.item not in seen:
        seen.append(ana.item)
        ana.act("flag")
        ana.vote()
    # A flag of the first time would tell that this one is a repeat.
    assert not ana.view.flagged
    ana.vote()
    view = ana.act("recent")
    assert (view.recent[0].flagged, len(view.recent), view.flags) == (True, len(seen), len(seen))
    view = ana.act("flag", edit=view.recent[0].key)
    assert (view.recent[0].flagged, view.flags) == (False, len(seen) - 1)
    assert ana.act("flag", edit=view.recent[0].key).recent[0].flagged
