"""One page over all candidates: nobody sees two pairs of one prompt, and what each judges is balanced."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from eval.errors import InputError
from eval.judge.page.judging_state import JudgingState
from eval.judge.setup.keyfile import KEY_FILE
from eval.judge.store.side_files import read_rows
from eval.judge.store.verdict_files import read_verdicts
from eval.judge.study.study import Overlap, Study
from eval.judge.sweep.shown import NAME, ShownPair
from eval.judge.sweep.sweep_state import SweepState
from eval.records import Verdict
from eval.sweep import Candidate, Dropped, read_sweep, write_sweep
from tests.judge.person import Person
from tests.judge.runs import make_run
from tests.judge.sweeps import make_sweep, runs

ONE = Study(practice=0, overlap=Overlap(reviewers=1))


def judging(folder: Path, study: Study | None = ONE) -> SweepState:
    return SweepState(folder / "reports" / "rates", runs(folder), study)


def shown(folder: Path) -> list[ShownPair]:
    return read_rows(folder / "reports" / "rates" / NAME, ShownPair)


def rows(folder: Path) -> dict[str, list[Verdict]]:
    return {name: read_verdicts(run.verdicts_path, run=run.name) for name, run in runs(folder).items()}


def seen_twice(folder: Path) -> list[tuple[str, str]]:
    """Reviewer and prompt of which they saw more than one pair, by what was shown and by what was judged."""
    pairs = defaultdict(set)
    for row in shown(folder):
        pairs[row.reviewer, row.item].add(row.candidate)
    for name, own in rows(folder).items():
        for one in own:
            pairs[one.reviewer, one.item].add(name)
    return [key for key, candidates in pairs.items() if len(candidates) > 1]


def test_verdicts_are_rows_of_each_candidates_run_and_nobody_sees_a_prompt_twice(tmp_path: Path) -> None:
    make_sweep(tmp_path, k=3, n=12)
    at = judging(tmp_path)
    for name in ("Ana", "Bo", "Cy", "Di"):
        judged = Person(at, name).judge_all()
        assert len(judged) == len(set(judged)) == (12 if name != "Di" else 0)
    found = rows(tmp_path)
    assert {name: len(own) for name, own in found.items()} == {"low": 12, "middle": 12, "high": 12}
    for name, own in found.items():
        assert sorted(row.item for row in own) == [f"hidden-item-{i:04d}" for i in range(12)], name
        assert {row.run for row in own} == {f"rates-{name}"}
    assert seen_twice(tmp_path) == []


def test_each_reviewer_judges_candidates_categories_and_sides_alike(tmp_path: Path) -> None:
    make_sweep(tmp_path, k=4, n=48)
    at = judging(tmp_path)
    people = [Person(at, name) for name in ("Ana", "Bo", "Cy")]
    for _ in range(20):
        for person in people:
            person.vote()
    found = [row for own in rows(tmp_path).values() for row in own]
    by_reviewer = Counter((row.reviewer, row.run) for row in found)
    assert set(by_reviewer.values()) == {5}
    left = Counter((row.reviewer, row.left) for row in found)
    assert max(left.values()) - min(left.values()) <= 4


def test_a_pair_that_was_only_shown_keeps_its_prompt_through_a_restart(tmp_path: Path) -> None:
    """Killed at any moment: what was on a page is written down before it is shown."""
    make_sweep(tmp_path, k=4, n=3)
    for _ in range(6):
        ana = Person(judging(tmp_path), "Ana")
        ana.skip()
    assert seen_twice(tmp_path) == []
    Person(judging(tmp_path), "Ana").judge_all()
    assert seen_twice(tmp_path) == []
    assert sum(len(own) for own in rows(tmp_path).values()) == 3


def test_two_servers_show_nobody_two_pairs_of_a_prompt(tmp_path: Path) -> None:
    make_sweep(tmp_path, k=4, n=8)
    tabs = [Person(judging(tmp_path), "Ana") for _ in range(2)]
    for _ in range(8):
        for tab in tabs:
            if tab.view.state == "ask":
                tab.vote()
    assert seen_twice(tmp_path) == []
    assert sum(len(own) for own in rows(tmp_path).values()) == 8


def test_undo_edit_and_skip_stay_with_their_candidate(tmp_path: Path) -> None:
    make_sweep(tmp_path, k=2, n=4)
    ana = Person(judging(tmp_path), "Ana")
    first = ana.item
    ana.vote("left")
    ana.undo()
    assert ana.item == first
    ana.vote("tie")
    found = [own for own in rows(tmp_path).values() if own]
    assert [[row.outcome for row in own][1:] for own in found] == [["withdrawn", "tie"]]
    ana.act("recent")
    assert [one.choice for one in ana.view.recent] == ["tie"]
    ana.act("edit", edit=ana.view.recent[0].key)
    ana.vote("both_bad")
    ana.skip()
    ana.judge_all()
    assert seen_twice(tmp_path) == []
    assert sum(row.outcome == "both_bad" for own in rows(tmp_path).values() for row in own) == 1


def test_a_dropped_candidate_is_asked_no_more_and_what_is_on_a_page_still_counts(tmp_path: Path) -> None:
    make_sweep(tmp_path, k=2, n=12)
    at = judging(tmp_path)
    ana, bo = Person(at, "Ana"), Person(at, "Bo")
    on_page = shown(tmp_path)[0].candidate
    at.stop([on_page])
    assert ana.vote().saved
    assert len(rows(tmp_path)[on_page]) == 1
    before = len(rows(tmp_path)[on_page])
    bo.judge_all()
    ana.judge_all()
    assert len(rows(tmp_path)[on_page]) <= before + 1
    assert ana.view.state == "done"
    assert seen_twice(tmp_path) == []


def test_second_opinions_are_on_the_same_candidate(tmp_path: Path) -> None:
    make_sweep(tmp_path, k=2, n=10)
    at = judging(tmp_path, Study(practice=0, overlap=Overlap(reviewers=2, share=0.5)))
    for name in ("Ana", "Bo"):
        Person(at, name).judge_all()
    twice = [Counter(row.item for row in own) for own in rows(tmp_path).values()]
    assert sum(n == 2 for one in twice for n in one.values()) > 0
    assert seen_twice(tmp_path) == []


def test_known_answers_and_repeats_go_to_runs_of_the_sweep(tmp_path: Path) -> None:
    make_sweep(tmp_path, k=2, n=12)
    gold = {
        "rate": 0.5,
        "pairs": [{"id": f"g{i}", "prompt": f"Is {i} even?", "better": "Yes.", "worse": "Blue."} for i in range(4)],
    }
    study = Study.model_validate({"practice": 0, "overlap": 1, "gold": gold, "repeats": {"rate": 0.5, "after": 2}})
    key = tmp_path / "reports" / "rates" / KEY_FILE
    key.write_text("5" * 64)  # it decides how many further pairs there are
    key.chmod(0o600)
    Person(judging(tmp_path, study), "Ana").judge_all()
    kinds = Counter(row.kind for own in rows(tmp_path).values() for row in own)
    assert kinds["judgement"] == 12
    assert kinds["gold"] >= 2
    assert kinds["repeat"] >= 2
    assert seen_twice(tmp_path) == []


def test_a_candidate_is_not_judged_alone(tmp_path: Path) -> None:
    make_sweep(tmp_path)
    with pytest.raises(InputError, match=r"candidate of sweep rates: judge all of them .* `blindside judge rates`"):
        JudgingState(runs(tmp_path)["low"])


def test_a_candidate_that_comes_later_is_judged_by_the_same_study(tmp_path: Path) -> None:
    found = make_sweep(tmp_path, k=2, n=4)
    study = Study.model_validate({"practice": 0, "overlap": 1, "tags": ["rude"]})
    Person(judging(tmp_path, study), "Ana").judge_all(most=1)
    make_run(tmp_path, answers=[("Long reply.", f"Short late reply {i}.") for i in range(4)], name="rates-late")
    late = Candidate(name="late", run="rates-late", state="collected")
    write_sweep(tmp_path / "reports", found.model_copy(update={"candidates": (*found.candidates, late)}))
    bo = Person(judging(tmp_path, None), "Bo")
    bo.judge_all()
    assert judging(tmp_path, None).study.tags == ("rude",)
    assert len(rows(tmp_path)["late"]) > 0


def test_who_was_dropped_stays_written_down_whoever_writes(tmp_path: Path) -> None:
    """A judging server writes that while `blindside sweep` has an older copy in its hands."""
    older = make_sweep(tmp_path, k=2)
    gone = Dropped(candidate="low", at="2026-01-01", why="for a reason", prompts=9, low=0.1, high=0.2)
    write_sweep(tmp_path / "reports", older.model_copy(update={"dropped": (gone,), "judged_at": "2026-01-01"}))
    write_sweep(tmp_path / "reports", older.changed("middle", reason="tried again"))
    now = read_sweep(tmp_path / "reports", "rates")
    assert (now.dropped, now.judged_at, now.candidate("middle").reason) == ((gone,), "2026-01-01", "tried again")


def test_a_pair_that_a_page_has_ready_counts_as_seen(tmp_path: Path) -> None:
    """It reached the browser: after a restart no other candidate's pair of that prompt may follow."""
    make_sweep(tmp_path, k=4, n=6)
    for _ in range(3):
        ana = Person(judging(tmp_path), "Ana")
        ana.act("ahead")
        assert len(shown(tmp_path)) >= 2
        ana.vote()
    Person(judging(tmp_path), "Ana").judge_all()
    assert seen_twice(tmp_path) == []


def test_a_pair_that_a_page_has_ready_is_judged_though_its_candidate_is_dropped(tmp_path: Path) -> None:
    """Its base answer has reached the browser, so no other candidate could be asked about that prompt."""
    make_sweep(tmp_path, k=2, n=12)
    at = judging(tmp_path)
    ana = Person(at, "Ana")
    on_page = ana.view
    ana.act("ahead")
    ana.view = on_page
    ready = shown(tmp_path)[1]
    at.stop([ready.candidate])
    assert len(ana.judge_all()) == 12
    assert ready.item in {row.item for row in rows(tmp_path)[ready.candidate]}
    assert len(rows(tmp_path)[ready.candidate]) <= 2
    assert seen_twice(tmp_path) == []


def test_thumbs_are_refused_before_anything_is_fixed(tmp_path: Path) -> None:
    make_sweep(tmp_path)
    with pytest.raises(InputError, match=r"judge it with `--mode compare` .* a run outside the sweep"):
        judging(tmp_path, Study(mode="thumbs"))
    assert not [run for run in runs(tmp_path).values() if (run.folder / "study.json").exists()]
    assert len(Person(judging(tmp_path), "Ana").judge_all()) == 12
