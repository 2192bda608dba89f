"""What a study plans: reviewers of each pair, and which prompts people are drawn for by a known chance."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from eval.answers import encode, read_answers
from eval.errors import InputError
from eval.evidence.analysis import all_figures, analyse_run
from eval.journal import Journal
from eval.judge.page.judging_state import JudgingState
from eval.judge.setup.begin import begin_judging
from eval.judge.setup.plan import asked_path, plan_path, read_asked, read_plan
from eval.judge.setup.planning import inclusion_chances, planned_reviewers
from eval.judge.study.assignment import drawing_order, is_drawn
from eval.judge.study.blinding import Blinding
from eval.judge.study.study import Overlap, Study
from eval.records import SIDES
from eval.report.pages.snapshot import read_snapshot
from eval.run import open_run
from tests.judge.person import Person
from tests.judge.runs import FIXED_KEY, make_run, prompt, response, with_key


def test_the_plan_is_that_of_the_study(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=[*((f"a {n}", f"b {n}") for n in range(10)), ("same", "same")])
    assert sorted(planned_reviewers(run, read_answers(run.responses_path)).values()) == [1] * 8 + [2] * 2
    (run.folder / "study.json").write_text(json.dumps({"overlap": {"reviewers": 3, "share": 0.2}}))
    plan = planned_reviewers(run, read_answers(run.responses_path))
    assert (len(plan), sorted(plan.values())) == (10, [1] * 8 + [3] * 2)


def test_a_pair_held_back_is_not_planned(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=[("As zebrabase-7b I say yes", "Yes."), ("a", "b")])
    JudgingState(run, Study.model_validate({"giveaways": {"policy": "hold"}}))
    assert list(planned_reviewers(open_run(run.folder.parent, run.name), read_answers(run.responses_path))) == [
        "hidden-item-0001"
    ]


@pytest.mark.parametrize("sample", [0.1, 0.5])
def test_people_are_drawn_with_the_chance_that_was_said(sample: float) -> None:
    blinding = Blinding("run", FIXED_KEY)
    drawn = sum(is_drawn(blinding, f"item {n}", sample) for n in range(10_000))
    assert abs(drawn - 10_000 * sample) < 200
    assert all(is_drawn(blinding, f"item {n}", 1.0) for n in range(100))


def test_only_drawn_prompts_are_asked_and_all_are_in_the_draw(tmp_path: Path) -> None:
    run, blinding = with_key(make_run(tmp_path, n=60)), Blinding("trial", FIXED_KEY)
    judging = JudgingState(run, Study(sample=0.5))
    draw, plan = (
        inclusion_chances(run, read_answers(run.responses_path)),
        planned_reviewers(run, read_answers(run.responses_path)),
    )
    assert set(judging.tasks) == set(plan) == {item for item in draw if is_drawn(blinding, item, 0.5)}
    assert 15 < len(plan) < 45
    assert (len(draw), set(draw.values())) == (60, {0.5})
    assert list(draw) == drawing_order(blinding, sorted(draw))
    assert list(draw) != sorted(draw)


def found_in(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file of a run, its time and its bytes."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in files
    }


STUDY = Study(practice=0, sample=0.5, overlap=Overlap(reviewers=2, share=0.3))


def test_the_evidence_needs_no_key_and_writes_nothing(tmp_path: Path) -> None:
    """A folder copied to another machine without the key tells the same, and gets no key."""
    run = make_run(tmp_path, n=60)
    judging = JudgingState(run, STUDY)
    for name in ("Ana", "Bo"):
        Person(judging, name).judge_all(most=10)
    shutil.copytree(run.folder, tmp_path / "copy" / run.name, ignore=shutil.ignore_patterns(".*"))
    copy = open_run(tmp_path / "copy", run.name)
    before = found_in(copy.folder)
    answers = read_answers(copy.responses_path)
    assert planned_reviewers(copy, answers) == begin_judging(run).plan.reviewers
    assert planned_reviewers(copy, answers).keys() == judging.tasks.keys()
    assert set(inclusion_chances(copy, answers)) == {prompt.id for prompt in run.prompts()}
    assert list(inclusion_chances(copy, answers)) == list(inclusion_chances(run, answers))
    ours, theirs = analyse_run(open_run(run.folder.parent, run.name)), read_snapshot(copy).whole
    assert theirs.verdict.progress == ours.verdict.progress
    assert all_figures(theirs) == all_figures(ours)
    assert found_in(copy.folder) == before
    assert not any("key" in name for name in before)


def test_a_plan_that_is_missing_is_told_and_not_guessed(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=60)
    Person(JudgingState(run, STUDY), "Ana").judge_all(most=3)
    plan = plan_path(run).read_bytes()
    plan_path(run).unlink()
    run = open_run(run.folder.parent, run.name)
    with pytest.raises(InputError, match=r"plan\.json: is missing, and says which pairs people were drawn for"):
        analyse_run(run)
    plan_path(run).write_text('{"blinding": "keyed"}')
    with pytest.raises(InputError, match=r"plan\.json: mode: Field required: restore it"):
        analyse_run(run)
    plan_path(run).write_bytes(plan)
    assert len(analyse_run(run).table) == 3


def test_before_anybody_judges_only_counts_are_told_and_no_key_is_made(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=60)
    (run.folder / "study.json").write_text(Study(overlap=STUDY.overlap).model_dump_json())
    before = found_in(run.folder)
    plan = planned_reviewers(run, read_answers(run.responses_path))
    assert sorted(plan.values()) == [1] * 42 + [2] * 18
    assert analyse_run(run).verdict.progress.left == 78
    assert found_in(run.folder) == before
    assert sorted(begin_judging(run).plan.reviewers.values()) == sorted(plan.values())


def test_what_was_drawn_stays_drawn_though_pairs_come_and_the_key_is_lost(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=60)
    run.responses_path.write_bytes(b"".join(run.responses_path.read_bytes().splitlines(keepends=True)[:80]))
    Person(JudgingState(run, STUDY), "Ana").judge_all(most=5)
    first = read_plan(run)
    Journal(run.responses_path).append(
        encode([response(prompt(i), side, f"{side} {i}") for i in range(40, 60) for side in SIDES])
    )
    (run.folder / ".blinding.key").unlink()
    JudgingState(run)
    run = open_run(run.folder.parent, run.name)
    assert read_plan(run) == first
    second = read_asked(run)
    assert first is not None
    assert second is not None
    assert second.pairs[:40] == first.pairs
    assert {pair.item for pair in second.pairs[40:]} == {prompt(i).id for i in range(40, 60)}
    assert 1 <= sum(pair.drawn for pair in second.pairs[40:]) <= 19


def test_the_plan_tells_no_side(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=20)
    JudgingState(run, STUDY)
    assert set(json.loads(plan_path(run).read_text())) == {"blinding", "mode", "overlap", "sample", "pairs"}
    assert set(json.loads(plan_path(run).read_text())["pairs"][0]) == {"item", "drawn", "reviewers", "held"}


def test_the_plan_is_frozen_at_the_first_verdict_and_what_is_asked_otherwise_is_recorded(tmp_path: Path) -> None:
    run = make_run(tmp_path, n=40)
    begin_judging(run, Study(overlap=Overlap(reviewers=3)))
    Person(JudgingState(run, STUDY), "Ana").judge_all(most=5)
    frozen, reviewers = plan_path(run).read_bytes(), planned_reviewers(run, read_answers(run.responses_path))
    other = STUDY.model_copy(update={"overlap": Overlap(reviewers=4, share=0.5)})
    asked = begin_judging(run, other).plan
    run = open_run(run.folder.parent, run.name)
    assert plan_path(run).read_bytes() == frozen
    assert planned_reviewers(run, read_answers(run.responses_path)) == reviewers
    assert set(asked.reviewers.values()) == {1, 4}
    (change,) = run.info.plan_changes
    assert (change.rows, change.what) == (5, "overlap 4 on 50% of the pairs (before: 2 on 30%)")
    assert read_asked(run) == asked
    begin_judging(run, STUDY)
    run = open_run(run.folder.parent, run.name)
    assert [one.what for one in run.info.plan_changes[1:]] == ["as it was planned at first"]
    assert not asked_path(run).exists()
    assert plan_path(run).read_bytes() == frozen


@pytest.mark.parametrize("name", ["plan.json", "asked.json"])
def test_an_edited_plan_is_refused_by_everybody(name: str, tmp_path: Path) -> None:
    run = make_run(tmp_path, n=10)
    Person(JudgingState(run, Study(practice=0)), "Ana").judge_all(most=2)
    begin_judging(run, Study(practice=0, overlap=Overlap(reviewers=2)))
    path = run.folder / name
    path.write_text(path.read_text().replace('"reviewers": ', '"reviewers": 1', 1))
    run = open_run(run.folder.parent, run.name)
    with pytest.raises(InputError, match="is not the plan that was frozen at the first verdict: restore it"):
        begin_judging(run)
    if name == "plan.json":
        with pytest.raises(InputError, match="restore it"):
            analyse_run(run)
