"""Tasks for other tools: what goes out tells no side, and what comes back is mapped by what stayed."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest

from eval.answers import encode, read_answers
from eval.errors import RunError
from eval.judge.other_tools.exported import exported_path, read_exported
from eval.judge.other_tools.exports import TOOLS, Tool, export_tasks
from eval.judge.other_tools.imports import import_verdicts
from eval.judge.store.verdict_files import read_verdicts
from eval.judge.study.study import Giveaways, Overlap, Study
from eval.records import Side
from eval.run import Run
from eval.run_info import BlindingRecord
from tests.judge.other_tool_files import argilla, label_studio, written
from tests.judge.runs import BASE_NAME, TUNED_NAME, make_run, with_key

ANSWERS = [(f"First {i} reply, rather long in its words.", f"Other {i}.") for i in range(40)]
TASKS = {"label-studio": "tasks.json", "argilla": "records.json"}


def exported(run: Run, tool: Tool, out: Path, study: Study | None = None) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in export_tasks(run, tool, out, study, say=lambda _: None)}


@pytest.mark.parametrize("tool", TOOLS)
def test_with_both_models_changed_over_only_the_places_of_the_texts_change(tool: Tool, tmp_path: Path) -> None:
    """Nothing but the two texts may depend on which of them is the tuned model's: no order, name, number or token."""
    ours = exported(with_key(make_run(tmp_path / "a", answers=ANSWERS)), tool, tmp_path / "out a")
    other = [(tuned, base) for base, tuned in ANSWERS]
    theirs = exported(with_key(make_run(tmp_path / "b", answers=other)), tool, tmp_path / "out b")
    assert ours != theirs
    for name, data in theirs.items():
        changed = json.loads(data) if name.endswith("s.json") and name != "settings.json" else None
        for row in changed or ():
            shown = row["data"] if tool == "label-studio" else row["fields"]
            shown["left"], shown["right"] = shown["right"], shown["left"]
        back = data if changed is None else (json.dumps(changed, ensure_ascii=False, indent=1) + "\n").encode()
        assert back == ours[name]


@pytest.mark.parametrize("tool", TOOLS)
def test_no_byte_of_the_files_names_a_model_or_what_only_one_side_has(tool: Tool, tmp_path: Path) -> None:
    run = with_key(make_run(tmp_path, answers=ANSWERS))
    files = exported(run, tool, tmp_path / "out")
    told = b"".join(files.values())
    rows = read_answers(run.responses_path).responses.values()
    secrets = [BASE_NAME, TUNED_NAME, "base", "tuned", "eos_token", "0.123456789", "9.87654321", "hidden-item"]
    secrets += [text for row in rows for text in (row.sha256, row.answered_at)]
    assert [secret for secret in secrets if secret.encode() in told] == []
    left = [task.left for task in read_exported(run).values()]
    assert left.count("base") == 20
    assert exported_path(run).stat().st_mode & 0o077 == 0


def test_places_do_not_follow_from_the_order_of_the_tasks_or_from_their_names(tmp_path: Path) -> None:
    run = with_key(make_run(tmp_path, n=200))
    exported(run, "label-studio", tmp_path / "out")
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    sides = read_exported(run)
    in_order = [sides[row["data"]["task"]].left == "base" for row in tasks]
    by_name = [sides[name].left == "base" for name in sorted(sides)]
    by_item = [sides[name].left == "base" for name in sorted(sides, key=lambda name: sides[name].item)]
    for row in (in_order, by_name, by_item):
        assert 70 < sum(one != other for one, other in pairwise(row)) < 130
        assert 30 < sum(row[:100]) < 70


@pytest.mark.parametrize("tool", TOOLS)
def test_what_comes_back_is_the_verdict_that_was_given(tool: Tool, tmp_path: Path) -> None:
    run = with_key(make_run(tmp_path, answers=ANSWERS))
    exported(run, tool, tmp_path / "out")
    sides, chance = read_exported(run), random.Random(1)
    said = {task: chance.choice(["left", "right", "tie", "both bad"]) for task in sides}
    back = (label_studio if tool == "label-studio" else argilla)(tmp_path / "out" / TASKS[tool], said)
    tally = import_verdicts(run, written(tmp_path / "back.json", back), say=lambda _: None)
    assert (tally.new, tally.excluded.total()) == (40, 0)
    rows = {row.item: row for row in read_verdicts(run.verdicts_path)}
    for task, key in sides.items():
        other: Side = "tuned" if key.left == "base" else "base"
        meant = {"left": key.left, "right": other, "both bad": "both_bad"}.get(said[task], said[task])
        assert (rows[key.item].outcome, rows[key.item].left) == (meant, key.left)
        assert rows[key.item].comment == f"said {said[task]}"


def test_exporting_again_gives_the_same_tasks_and_answers_that_changed_since_are_told(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=ANSWERS)
    first = exported(run, "label-studio", tmp_path / "out")
    assert exported(run, "label-studio", tmp_path / "again") == first
    said = dict.fromkeys(read_exported(run), "left")
    back = label_studio(tmp_path / "out" / "tasks.json", said)
    back[3]["data"]["left"] += " and more"
    tally = import_verdicts(run, written(tmp_path / "back.json", back), say=lambda _: None)
    assert tally.excluded == {"on answers that are not in this run": 1}


def test_masked_answers_go_out_masked_and_come_back(tmp_path: Path) -> None:
    answers = [("I am zebrabase-7b, ask me.", "Ask away."), ("Yes, that is so.", "It is.")]
    run = make_run(tmp_path, answers=answers)
    study = Study(giveaways=Giveaways(policy="mask"), overlap=Overlap())
    files = exported(run, "label-studio", tmp_path / "out", study)
    assert b"zebra" not in files["tasks.json"]
    back = label_studio(tmp_path / "out" / "tasks.json", dict.fromkeys(read_exported(run), "tie"))
    assert import_verdicts(run, written(tmp_path / "back.json", back), say=lambda _: None).new == 2


def test_sides_that_anybody_can_compute_do_not_go_out(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run = run.update(blinding=BlindingRecord(rule="unkeyed"))
    run.verdicts_path.write_bytes(b"")
    (run.folder / ".verdicts.acknowledged.csv").write_bytes(b"")
    from tests.judge.verdicts import verdict, verdict_store

    verdict_store(run).append(verdict())
    with pytest.raises(RunError, match="export from a run of another name"):
        export_tasks(run, "argilla", tmp_path / "out", say=lambda _: None)
    assert not (tmp_path / "out").exists()


def test_empty_answers_and_several_turns_can_be_judged_elsewhere(tmp_path: Path) -> None:
    run = make_run(tmp_path, answers=[("", "Something."), ('A <b>bold</b> "one" & more', "ünïcode\n\nlines")])
    exported(run, "argilla", tmp_path / "out")
    rows = json.loads((tmp_path / "out" / "records.json").read_text())
    assert all(text.strip() for row in rows for text in row["fields"].values())
    back = argilla(tmp_path / "out" / "records.json", dict.fromkeys(read_exported(run), "right"))
    assert import_verdicts(run, written(tmp_path / "back.json", back), say=lambda _: None).new == 2
    assert encode(list(read_answers(run.responses_path).responses.values()))
