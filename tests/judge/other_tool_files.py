"""What other tools' exports look like, made from the tasks that were exported to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: What reviewers say of a task: left, right, tie, both bad, or skip.
Said = Mapping[str, str]


def label_studio(tasks: Path, said: Said, reviewer: int = 1, *, seconds: float = 5.5) -> list[dict[str, Any]]:
    """Label Studio's JSON of an imported tasks.json; tasks that nobody said anything of have no annotation."""
    rows = json.loads(tasks.read_text(encoding="utf-8"))
    return [
        {"id": n, **row, "annotations": [_annotation(said[row["data"]["task"]], n, reviewer, seconds)]}
        if row["data"]["task"] in said
        else {"id": n, **row, "annotations": []}
        for n, row in enumerate(rows, 1)
    ]


def _annotation(what: str, number: int, reviewer: int, seconds: float) -> dict[str, Any]:
    pairwise = {"from_name": "better", "to_name": "left,right", "type": "pairwise", "value": {"selected": what}}
    choices = {"from_name": "neither", "to_name": "prompt", "type": "choices", "value": {"choices": [what]}}
    comment = {"from_name": "comment", "to_name": "prompt", "type": "textarea", "value": {"text": [f"said {what}"]}}
    results: list[dict[str, Any]] = (
        [] if what == "skip" else [pairwise if what in ("left", "right") else choices, comment]
    )
    return {
        "id": 100 + number,
        "completed_by": reviewer,
        "result": results,
        "was_cancelled": what == "skip",
        "updated_at": f"2026-01-31T12:{number % 60:02}:00.079450Z",
        "lead_time": seconds,
    }


def argilla(records: Path, said: Said, user: str = "0f3a") -> list[dict[str, Any]]:
    """Argilla's records of an imported records.json, as its client exports them."""
    rows = json.loads(records.read_text(encoding="utf-8"))
    labels = {"both bad": "both_bad"}
    for row in rows:
        what = said.get(row["id"])
        if what is not None:
            row["responses"] = {
                "better": [{"value": labels.get(what, what), "user_id": user}],
                "comment": [{"value": f"said {what}", "user_id": user}],
            }
    return list(rows)


def written(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path
