"""Gold pairs, repeats and practice: at their rates, where the file says, and never among the judgements."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from eval.judge.page.judging_state import JudgingState
from eval.judge.page.open_session import answer_action
from eval.judge.page.page_protocol import Action
from eval.judge.page.practice_feedback import Feedback
from eval.judge.page.session import NOTHING_TO_UNDO, PRACTICE_BACK, PRACTICE_OVER
from eval.judge.store.verdict_files import in_force, read_verdicts
from eval.judge.study.blinding import Blinding
from eval.judge.study.control_items import ControlItems, Key
from eval.judge.study.gold import GoldPair
from eval.judge.study.study import Gold, Repeats, Study
from eval.records import Judgement, Verdict
from eval.run import Run
from tests.judge.person import Person
from tests.judge.runs import FIXED_KEY, make_run, with_key
from tests.judge.verdicts import verdict


def gold(number: int) -> GoldPair:
    one = {"id": f"g{number}", "prompt": f"What is {number} + 1?", "better": f"{number + 1}", "worse": f"{number + 2}"}
    return GoldPair.model_validate(one)


BLINDING = Blinding("trial", FIXED_KEY)
PAIRS = tuple(map(gold, range(5)))
STUDY = Study(practice=0, gold=Gold(rate=0.2, pairs=PAIRS), repeats=Repeats(rate=0.2, after=4))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return with_key(make_run(tmp_path, n=40))


def rows(run: Run) -> list[Verdict]:
    return read_verdicts(run.verdicts_path)


def test_the_three_kinds_come_mixed_and_each_pair_once_a_kind(run: Run) -> None:
    ana = Person(JudgingState(run, STUDY))
    first_total = ana.view.total
    judged = ana.judge_all()
    kinds = Counter(row.kind for row in rows(run))
    assert kinds["judgement"] == 40
    assert kinds["gold"] == 5
    assert 1 <= kinds["repeat"] <= 20
    assert len({row.slot for row in rows(run)}) == len(rows(run)) == len(judged)
    assert abs(first_total - len(judged)) <= 1
    assert (ana.view.state, ana.view.judged, ana.view.total) == ("done", len(judged), len(judged))


def test_a_repeat_is_swapped_and_comes_late_enough(run: Run) -> None:
    Person(JudgingState(run, STUDY)).judge_all()
    judgements: list[Verdict] = []
    repeats = 0
    for row in rows(run):
        if row.kind == "judgement":
            judgements.append(row)
        if row.kind == "repeat":
            repeats += 1
            at = next(i for i, first in enumerate(judgements) if first.item == row.item)
            assert row.left != judgements[at].left
            assert len(judgements) - 1 - at >= 4
            assert row.outcome != judgements[at].outcome  # "left" both times: the other model
    assert repeats


def test_a_gold_row_speaks_of_better_and_worse(run: Run) -> None:
    judging = JudgingState(run, STUDY)
    ana = Person(judging)
    while not ana.item.startswith("gold:"):
        ana.vote()
    assert ana.view.pair is not None
    better = "left" if ana.view.pair.answer(ana.view.left).text == ana.view.pair.tuned.text else "right"
    pair = next(pair for pair in PAIRS if pair.item == ana.item)
    ana.vote(better)
    row = rows(run)[-1]
    assert (row.kind, row.item, row.outcome) == ("gold", pair.item, "tuned")
    assert (row.tuned_sha256, row.base_sha256) == (pair.pair().tuned.sha256, pair.pair().base.sha256)


def test_gold_sides_are_balanced_and_a_reviewers_own(run: Run) -> None:
    sides = [ControlItems(BLINDING, STUDY, f"reviewer {i}", 40).gold_sides for i in range(40)]
    assert all(abs(list(one.values()).count("base") - 2.5) <= 0.5 for one in sides)
    assert len({tuple(one.items()) for one in sides}) > 4


def test_a_restart_changes_nothing(run: Run, tmp_path: Path) -> None:
    straight = with_key(make_run(tmp_path / "straight", n=40))
    expected = Person(JudgingState(straight, STUDY)).judge_all()
    judged = []
    for _ in range(200):
        ana = Person(JudgingState(run, STUDY))
        if ana.view.state == "done":
            break
        judged += ana.judge_all(most=3)
    assert judged == expected


def test_undo_works_over_all_kinds_and_makes_nothing_due_twice(run: Run) -> None:
    ana = Person(JudgingState(run, STUDY))
    ana.judge_all(most=25)
    kinds = Counter(row.kind for row in rows(run))
    assert kinds["gold"]
    assert kinds["repeat"]
    way_back = []
    for _ in range(25):
        ana.undo()
        way_back.append((ana.item, ana.view.left))
    assert ana.view.judged == 0
    way_out = []
    for _ in range(25):
        way_out.append((ana.item, ana.view.left))
        ana.vote("tie")
    assert way_out == way_back[::-1]
    assert Counter(row.kind for row in in_force(rows(run))) == kinds


def test_a_skipped_extra_comes_back_at_the_end(run: Run) -> None:
    ana = Person(JudgingState(run, STUDY))
    while not ana.item.startswith("gold:"):
        ana.vote()
    skipped = ana.item
    ana.skip()
    assert ana.item != skipped
    judged = ana.judge_all()
    assert judged.count(skipped) == 1
    assert not any(item.startswith("gold:") for item in judged[judged.index(skipped) + 1 :])
    assert Counter(row.kind for row in in_force(rows(run)))["gold"] == 5


def test_rates_hold_over_many_judgements() -> None:
    study = Study(gold=Gold(rate=0.1, pairs=tuple(map(gold, range(2_000)))), repeats=Repeats(rate=0.05, after=20))
    extras = ControlItems(BLINDING, study.model_copy(), "Ana", 2_000)
    assert 150 < extras.still_to_come({}, 2_000) - extras.still_to_come({}, 1_000) < 150 * 2
    assert 230 < extras.still_to_come({}, 2_000) < 370


def test_no_repeat_before_its_time() -> None:
    extras = ControlItems(BLINDING, Study(repeats=Repeats(rate=0.5, after=10)), "Ana", 100)
    standing: dict[Key, Judgement] = {("judgement", f"item-{i}"): verdict(i) for i in range(10)}
    assert extras.due(standing, []) is None
    standing |= {("judgement", f"item-{i}"): verdict(i) for i in range(10, 14)}
    due = extras.due(standing, [])
    assert due is not None
    assert due in {("repeat", f"item-{i}") for i in range(4)}


def test_practice_comes_first_and_is_not_recorded(run: Run) -> None:
    ana = Person(JudgingState(run, Study(practice=2)))
    assert (ana.view.practice, ana.view.practices, ana.view.judged, ana.view.total) == (1, 2, 0, 40)
    first = ana.view.pair
    told = ana.vote("left", "trying")
    assert told.feedback == Feedback(right=True, expected="left", why="180 is correct, and B is wrong.")
    assert (told.practice, told.saved, told.comment, told.pair) == (1, False, "trying", first)
    after = ana.skip()
    assert (after.practice, after.saved, after.comment, after.feedback) == (2, False, "", None)
    assert after.pair != first
    over = ana.vote("both_bad")
    assert (over.practice, over.notice, over.judged) == (0, PRACTICE_OVER, 0)
    assert ana.item.startswith("hidden-item")
    assert rows(run) == []
    assert ana.undo().notice == NOTHING_TO_UNDO
    ana.vote()
    assert len(rows(run)) == 1


def test_practice_goes_back_on_undo_and_on_by_skip(run: Run) -> None:
    ana = Person(JudgingState(run, Study(practice=3)))
    assert ana.undo().notice == NOTHING_TO_UNDO
    first, left = ana.view.pair, ana.view.left
    ana.vote("left", "my reason")
    back = ana.undo("my reason")
    assert (back.practice, back.notice, back.pair, back.left, back.comment) == (
        1,
        PRACTICE_BACK,
        first,
        left,
        "my reason",
    )
    ana.skip()
    ana.skip()
    assert ana.skip().notice == PRACTICE_OVER
    assert rows(run) == []
    assert not (run.folder / "skips.csv").exists()


def test_practice_is_for_the_first_visit_only(run: Run) -> None:
    judging = JudgingState(run, Study(practice=1))
    ana = Person(judging)
    ana.vote()
    ana.skip()
    assert Person(judging).view.practice == 0
    ana.vote()
    assert Person(JudgingState(run)).view.practice == 0
    assert Person(judging, "Bo").view.practice == 1


def test_practice_is_in_the_reviewers_language(run: Run) -> None:
    ana = Person(JudgingState(run, Study(practice=1)), language="zh")
    assert ana.view.pair is not None
    assert "三个小时" in ana.view.pair.messages[0].content
    ana.language = "en"
    ana.act("show", comment="half a word")
    assert ana.view.pair is not None
    assert "three hours" in ana.view.pair.messages[0].content
    assert (ana.view.comment, ana.view.practice) == ("half a word", 1)


def test_a_login_is_welcomed_first_and_only_once(run: Run) -> None:
    judging = JudgingState(run, Study(practice=1))
    ana = Person(judging, "whatever", fixed="Ana")
    assert (ana.view.state, ana.view.reviewer, ana.view.total) == ("welcome", "Ana", 40)
    assert ana.view.form is not None
    assert ana.act("sit").practice == 1
    ana.vote()
    ana.vote()
    assert Person(judging, "whatever", fixed="Ana").view.state == "ask"


def test_a_page_that_closes_before_a_name_does_nothing(run: Run) -> None:
    session, view = answer_action(JudgingState(run, STUDY), None, Action(act="leave", reviewer="Ana"))
    assert (session, view.state) == (None, "welcome")


def test_repeats_do_not_come_all_at_once_when_the_first_can_come() -> None:
    """Whoever sees three pairs again in a row knows what they are for."""
    for name in map(str, range(20)):
        extras = ControlItems(BLINDING, Study(repeats=Repeats(rate=0.1, after=50)), name, 100)
        standing: dict[Key, Judgement] = {("judgement", f"item-{i}"): verdict(i) for i in range(51)}
        first = extras.due(standing, [])
        if first is not None:
            assert extras.due(standing | {first: verdict(0)}, []) is None
