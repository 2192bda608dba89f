"""Against a real Label Studio: tasks in by its API, people's annotations, its export read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.judge.other_tools.exported import read_exported
from eval.judge.other_tools.exports import export_tasks
from eval.judge.other_tools.imports import import_verdicts
from eval.judge.store.side_files import read_skips
from eval.judge.store.verdict_files import read_verdicts
from tests.judge.label_studio_server import LabelStudio, label_studio
from tests.judge.runs import make_run


def annotated(studio: LabelStudio, task: int, results: list[dict[str, Any]], *, skipped: bool = False) -> None:
    body = {"result": results, "was_cancelled": skipped, "lead_time": 7.25}
    studio.call("POST", f"/api/tasks/{task}/annotations/", body)


def test_a_project_made_of_our_tasks_is_annotated_exported_and_read_back(tmp_path: Path) -> None:
    with label_studio(tmp_path / "studio") as studio:
        run = make_run(tmp_path, n=5)
        out = tmp_path / "out"
        export_tasks(run, "label-studio", out, say=lambda _: None)
        config = (out / "label-studio.xml").read_text()
        project = studio.call("POST", "/api/projects/", {"title": "trial", "label_config": config})["id"]
        tasks = json.loads((out / "tasks.json").read_text())
        assert studio.call("POST", f"/api/projects/{project}/import", tasks)["task_count"] == 5
        ids = [task["id"] for task in studio.call("GET", f"/api/tasks?project={project}")["tasks"]]
        better = {"from_name": "better", "to_name": "left,right", "type": "pairwise", "value": {"selected": "left"}}
        neither = {"from_name": "neither", "to_name": "prompt", "type": "choices", "value": {"choices": ["both bad"]}}
        comment = {"from_name": "comment", "to_name": "prompt", "type": "textarea", "value": {"text": ["Shorter."]}}
        annotated(studio, ids[0], [better, comment])
        annotated(studio, ids[1], [neither])
        annotated(studio, ids[2], [], skipped=True)
        for kind in ("JSON", "JSON_MIN"):
            back = studio.call("GET", f"/api/projects/{project}/export?exportType={kind}&download_all_tasks=true")
            (tmp_path / f"{kind}.json").write_text(json.dumps(back))

    sides = read_exported(run)
    first, second, third = (sides[task["data"]["task"]] for task in tasks[:3])
    tally = import_verdicts(run, tmp_path / "JSON.json", say=lambda _: None)
    assert (tally.rows, tally.new, tally.excluded) == (5, 2, {"skipped by the reviewer": 1, "no verdict": 2})
    rows = {row.item: row for row in read_verdicts(run.verdicts_path)}
    assert (rows[first.item].outcome, rows[first.item].left) == (first.left, first.left)
    assert (rows[first.item].comment, rows[first.item].seconds) == ("Shorter.", 7.25)
    assert rows[first.item].judged_at.startswith("20")
    assert rows[second.item].outcome == "both_bad"
    assert [skip.item for skip in read_skips(run)] == [third.item]

    # Its flat export says the same; there a run that exported nothing knows the sides by the answers' texts.
    other = make_run(tmp_path / "other", n=5)
    flat = import_verdicts(other, tmp_path / "JSON_MIN.json", say=lambda _: None)
    assert flat.new == 2
    there = {row.item: row for row in read_verdicts(other.verdicts_path)}
    assert there[first.item].outcome == first.left
