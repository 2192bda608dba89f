"""Verdicts that were given elsewhere: every row is used or counted, nothing twice, nothing guessed, and all marked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.answers import read_answers
from eval.errors import BlindsideError, InputError
from eval.evidence.build_judgements import read_table
from eval.evidence.reviewers.bias import bias
from eval.judge.other_tools.exported import read_exported
from eval.judge.other_tools.exports import export_tasks
from eval.judge.other_tools.given_verdict import ColumnNames, utc
from eval.judge.setup.begin import begin_judging
from eval.judge.setup.planning import blinding_rule
from eval.judge.store.acknowledged import acknowledged_path, alterations
from eval.judge.store.side_files import read_skips
from eval.judge.store.verdict_files import in_force, read_rows
from eval.records import IMPORTED, Verdict
from eval.run import Run, open_run
from tests.judge.importing import Row, bring, rows_of, sheet
from tests.judge.other_tool_files import label_studio, written
from tests.judge.runs import make_run
from tests.judge.verdicts import verdict_store
from tests.support import judged


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"id": "x", "reviewer": "a", "outcome": "0"}, {"id": "y", "reviewer": "a", "outcome": "4"}], "--choices"),
        ([{"id": "x", "reviewer": "a", "outcome": "superb"}], r"t.csv:2: the outcome is 'superb', which is unknown"),
        ([{"id": "x", "reviewer": "a", "note": "superb"}], "--column outcome=NAME"),
    ],
)
def test_what_may_mean_several_things_is_refused_and_nothing_is_written(
    rows: list[Row], words: str, tmp_path: Path
) -> None:
    run = make_run(tmp_path)
    with pytest.raises(InputError, match=words):
        bring(run, sheet(tmp_path / "t.csv", rows))
    assert not run.verdicts_path.exists()
    assert open_run(run.folder.parent, run.name).info.imports == ()


def test_rows_that_cannot_count_are_counted_by_their_reason(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=[("One.", "Two."), ("Same.", "Same."), ("Three.", "Four.")])
    rows = [
        {"id": "hidden-item-0000", "reviewer": "ann", "outcome": "left"},
        {"id": "hidden-item-0000", "reviewer": "ann", "outcome": ""},
        {"id": "hidden-item-0000", "reviewer": "", "outcome": "base"},
        {"id": "hidden-item-0001", "reviewer": "ann", "outcome": "base"},
        {"id": "hidden-item-0009", "reviewer": "ann", "outcome": "base"},
        {"id": "hidden-item-0002", "reviewer": "ann", "outcome": "base", "answer_a": "Three.", "answer_b": "Five."},
        {"id": "hidden-item-0002", "reviewer": "bob", "outcome": "base", "time": "2026-01-31 12:00"},
        {"id": "hidden-item-0002", "reviewer": "bob", "outcome": "tuned", "time": "2026-01-31 11:00"},
    ]
    tally = bring(run, sheet(tmp_path / "t.csv", rows))
    assert tally.new == 1
    assert tally.excluded == {
        "does not say which model was on the left": 1,
        "no verdict": 1,
        "no reviewer": 1,
        "both answers are the same text": 1,
        "no such prompt in this run": 1,
        "on answers that are not in this run": 1,
        "the same reviewer judged the pair again": 1,
    }
    assert [(row.outcome, row.judged_at) for row in rows_of(run)] == [("base", "2026-01-31T12:00:00.000Z")]


def test_a_half_broken_file_gives_what_is_whole_of_it_and_a_cut_one_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    good = '{"id": "hidden-item-0000", "reviewer": "ann", "outcome": "base"}\n'
    (tmp_path / "t.jsonl").write_text(good + '{"id": "hidden-\n' + "[1, 2]\n" + good.replace("0000", "0001"))
    tally = bring(run, tmp_path / "t.jsonl")
    assert (tally.new, tally.excluded) == (2, {"not a JSON object": 2})
    other = make_run(tmp_path / "other")
    tasks = [{"data": {"id": "hidden-item-0000"}, "annotations": []}]
    (tmp_path / "cut.json").write_text(json.dumps(tasks)[:-4])
    with pytest.raises(InputError, match=r"cut\.json"):
        bring(other, tmp_path / "cut.json")
    assert not other.verdicts_path.exists()


CELLS = st.sampled_from(
    ["hidden-item-0000", "hidden-item-0003", "7", "", "ann", "=bob", "left", "tuned", "tie", "A", "1e9"]
)


@settings(max_examples=40)
@given(
    rows=st.lists(st.fixed_dictionaries({"id": CELLS, "reviewer": CELLS, "outcome": CELLS, "time": CELLS}), min_size=1)
)
def test_rows_in_are_verdicts_and_counted_exclusions(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("property")
    run = make_run(folder)
    path = sheet(folder / "t.csv", rows)
    try:
        first = bring(run, path)
    except BlindsideError:
        assert not run.verdicts_path.exists()
        return
    assert first.rows == sum(any(row.values()) for row in rows)
    assert len(in_force(rows_of(run))) == first.new
    again = bring(run, path)
    assert (again.new, again.there, again.excluded) == (0, first.new, first.excluded)


def some(tmp_path: Path, n: int = 12) -> tuple[Run, Path]:
    run = make_run(tmp_path, n=n)
    rows = [
        {
            "id": f"hidden-item-{i:04}",
            "reviewer": "ann",
            "outcome": "base" if i % 3 else "tuned",
            "comment": f'a "{i}"\n',
        }
        for i in range(n)
    ]
    return run, sheet(tmp_path / "t.csv", rows)


def test_an_import_that_was_killed_anywhere_is_completed_by_the_next_one(tmp_path: Path) -> None:
    run, path = some(tmp_path)
    bring(run, path)
    whole = run.verdicts_path.read_bytes()
    for cut in (0, 20, 200, len(whole) // 2, len(whole) - 1, len(whole)):
        run.verdicts_path.write_bytes(whole[:cut])
        acknowledged_path(run.verdicts_path).unlink(missing_ok=True)
        tally = bring(run, path)
        assert tally.new + tally.there == 12, cut
        assert sorted(rows_of(run), key=lambda row: row.item) == sorted(
            in_force(rows_of(run)), key=lambda row: row.item
        )
        assert len(rows_of(run)) == 12


def test_a_mind_changed_elsewhere_replaces_and_one_that_was_changed_here_stays(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    pair = read_answers(run.responses_path).pairs(run.prompts())[1]
    store = verdict_store(run)
    store.append(judged(run, pair))
    rows = [{"id": f"hidden-item-{i:04}", "reviewer": "ann", "outcome": "base", "time": "2026-01-31"} for i in range(2)]
    assert bring(run, sheet(tmp_path / "t.csv", rows)).excluded == {"judged here by the same reviewer": 1}
    rows[0] |= {"outcome": "tuned", "time": "2026-02-01"}
    assert bring(run, sheet(tmp_path / "later.csv", rows[:1])).new == 1
    assert bring(run, tmp_path / "t.csv").there == 1
    assert {row.item: row.outcome for row in in_force(rows_of(run))} == dict.fromkeys(
        ("hidden-item-0000", "hidden-item-0001"), "tuned"
    )


def test_imported_rows_have_no_seal_and_break_none_and_an_edit_of_one_shows(tmp_path: Path) -> None:
    run, path = some(tmp_path, n=3)
    pairs = read_answers(run.responses_path).pairs(run.prompts())
    verdict_store(run).append(judged(run, pairs[0]).model_copy(update={"reviewer": "bob"}))
    bring(run, path)
    verdict_store(run).append(judged(run, pairs[1]).model_copy(update={"reviewer": "bob"}))
    seals = [row.seal for row in rows_of(run)]
    assert [seal == IMPORTED for seal in seals] == [False, True, True, True, False]

    def told() -> list[str]:
        return alterations(run.verdicts_path, read_rows(run.verdicts_path, Verdict), Verdict, run=run.name)

    assert told() == []
    text = run.verdicts_path.read_text()
    run.verdicts_path.write_text(text.replace(",ann,judgement,base,", ",ann,judgement,tuned,", 1))
    assert "outcome is 'tuned' and was saved as 'base'" in told()[0]
    without = [line for line in text.splitlines(keepends=True) if IMPORTED not in line or ",ann," not in line]
    run.verdicts_path.write_text("".join(without))
    verdict_store(run)
    assert sum(row.imported for row in rows_of(run)) == 3


def test_a_skip_elsewhere_is_a_skip_here_once(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    export_tasks(run, "label-studio", tmp_path / "out", say=lambda _: None)
    tasks = list(read_exported(run))
    back = label_studio(tmp_path / "out" / "tasks.json", {tasks[0]: "skip", tasks[1]: "left"})
    path = written(tmp_path / "back.json", back)
    for _ in range(2):
        tally = bring(run, path)
    assert tally.excluded == {"skipped by the reviewer": 1, "no verdict": 10}
    (skip,) = read_skips(run)
    assert (skip.item, skip.reviewer) == (read_exported(run)[tasks[0]].item, "label-studio-1")
    table, _ = read_table(run)
    assert skip.item in table.passed_over


def test_one_annotation_that_says_two_things_is_none(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    export_tasks(run, "label-studio", tmp_path / "out", say=lambda _: None)
    tasks = list(read_exported(run))
    back = label_studio(tmp_path / "out" / "tasks.json", {tasks[0]: "left", tasks[1]: "left"})
    one = next(row["annotations"][0] for row in back if row["annotations"])
    one["result"].append({"from_name": "neither", "type": "choices", "value": {"choices": ["tie"]}})
    path = written(tmp_path / "back.json", back)
    assert bring(run, path).excluded["says several things"] == 1
    assert bring(run, path, names=ColumnNames({"outcome": "better"})).new == 1


def test_sides_and_seconds_that_nobody_told_enter_no_figure(tmp_path: Path) -> None:
    run, path = some(tmp_path)
    bring(run, path)
    table, _ = read_table(run)
    assert (table.imported, set(table.left.tolist()), bool(table.seconds.any())) == (12, {-1}, True)
    found = bias(table)
    assert (found.left.n, found.places.difference.value, found.fast.difference.value) == (0, None, None)


def test_judging_after_an_import_is_blind_by_a_key_and_its_late_plan_is_told(tmp_path: Path) -> None:
    run, path = some(tmp_path)
    bring(run, path)
    assert blinding_rule(open_run(run.folder.parent, run.name)) is None
    assert begin_judging(run).blinding.rule == "keyed"
    (change,) = open_run(run.folder.parent, run.name).info.plan_changes
    assert (change.rows, change.what) == (12, "planned only after verdicts had been imported")
    assert begin_judging(run).blinding.rule == "keyed"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31 13:00:00+01:00", "2026-01-31T12:00:00.000Z"),
        ("1769860800", "2026-01-31T12:00:00.000Z"),
        (1769860800000, "2026-01-31T12:00:00.000Z"),
        ("31.01.2026", ""),
        ("", ""),
        (None, ""),
        (1e300, ""),
    ],
)
def test_times_become_utc(given: Any, wanted: str) -> None:
    assert utc(given) == wanted
