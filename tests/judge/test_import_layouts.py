"""Layouts of other tools' files: tables by their columns, and Argilla's records in every version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.judge.other_tools.given_verdict import ColumnNames
from eval.records import IMPORTED
from tests.judge.importing import Row, bring, rows_of, sheet
from tests.judge.other_tool_files import written
from tests.judge.runs import BASE_NAME, TUNED_NAME, make_run

#: A row of a table on the first prompt, and the (outcome, left) that it must come to.
LAYOUTS: dict[str, tuple[Row, dict[str, Any], tuple[str, str]]] = {
    "id and side": ({"id": "hidden-item-0000", "reviewer": "ann", "outcome": "tuned"}, {}, ("tuned", "")),
    "prompt": ({"prompt": "Question 0:  WHAT colour is thing 0?", "rater": "ann", "winner": "base"}, {}, ("base", "")),
    "names of the models": ({"id": "hidden-item-0000", "user": "ann", "winner": TUNED_NAME}, {}, ("tuned", "")),
    "places and a column": (
        {"id": "hidden-item-0000", "annotator": "ann", "choice": "left", "left_model": BASE_NAME},
        {},
        ("base", "base"),
    ),
    "model_a and its winner": (
        {"id": "hidden-item-0000", "judge": "ann", "winner": "model_b", "model_a": BASE_NAME, "model_b": TUNED_NAME},
        {},
        ("tuned", "base"),
    ),
    "the answers' texts": (
        {
            **{"prompt_id": "hidden-item-0000", "reviewer": "ann", "preference": "2"},
            **{"response_1": "Short reply 0.", "response_2": "Long reply 0,\r\nwith words. "},
        },
        {},
        ("base", "tuned"),
    ),
    "the texts, left and right": (
        {
            **{"id": "hidden-item-0000", "reviewer": "ann", "verdict": "right"},
            **{"left": "Short reply 0.", "right": "Long reply 0, with words."},
        },
        {},
        ("base", "tuned"),
    ),
    "an option for the side": (
        {"id": "hidden-item-0000", "reviewer": "ann", "vote": "B"},
        {"left": "tuned"},
        ("base", "tuned"),
    ),
    "words of their own": (
        {"id": "hidden-item-0000", "reviewer": "ann", "outcome": "besser"},
        {"choices": {"besser": "tuned"}},
        ("tuned", ""),
    ),
    "tie": ({"id": "hidden-item-0000", "reviewer": "ann", "label": "Tie"}, {}, ("tie", "")),
    "both bad": ({"id": "hidden-item-0000", "reviewer": "ann", "outcome": "both_bad"}, {}, ("both_bad", "")),
    "a column named": (
        {"id": "hidden-item-0000", "wer": "ann", "was": "base"},
        {"names": ColumnNames({"reviewer": "wer", "outcome": "was"})},
        ("base", ""),
    ),
    "one reviewer for all": ({"id": "hidden-item-0000", "outcome": "base"}, {"reviewer": "ann"}, ("base", "")),
    "flat Label Studio": (
        {
            **{"annotation_id": "7", "annotator": "ann", "better": '[{"selected":"left"}]', "id": "1"},
            **{"prompt": "Question 0: what colour is thing 0?", "left": "Short reply 0."},
            **{"right": "Long reply 0, with words.", "lead_time": "3.5", "updated_at": "2026-01-31T12:00:00Z"},
        },
        {},
        ("tuned", "tuned"),
    ),
}


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_a_table_is_read_by_its_columns(layout: str, tmp_path: Path) -> None:
    row, options, wanted = LAYOUTS[layout]
    run = make_run(tmp_path)
    assert bring(run, sheet(tmp_path / "t.csv", [row]), **options).new == 1
    (found,) = rows_of(run)
    assert (found.item, found.reviewer, found.outcome, found.left) == ("hidden-item-0000", "ann", *wanted)
    assert found.seal == IMPORTED


ARGILLA: dict[str, Row] = {
    "version 2, nested": {
        "responses": {"rank": [{"value": ["response2", "response1"], "user_id": "ann"}]},
        "fields": {"prompt": "Question 0: what colour is thing 0?", "response1": "Long reply 0, with words."},
    },
    "version 2, flattened": {
        **{"prompt": "Question 0: what colour is thing 0?", "response1": "Long reply 0, with words."},
        **{"rank.responses": [["response2", "response1"]], "rank.responses.users": ["ann"]},
        **{"rank.responses.status": ["submitted"]},
    },
    "version 1": {
        **{"prompt": "Question 0: what colour is thing 0?", "response1": "Long reply 0, with words."},
        "rank": [
            {
                "user_id": "ann",
                "value": [{"value": "response1", "rank": 2}, {"value": "response2", "rank": 1}],
                "status": "submitted",
            }
        ],
    },
}


@pytest.mark.parametrize("version", list(ARGILLA))
def test_rankings_of_argilla_are_read(version: str, tmp_path: Path) -> None:
    row = json.loads(json.dumps(ARGILLA[version]))
    row.get("fields", row)["response2"] = "Short reply 0."
    run = make_run(tmp_path)
    assert bring(run, written(tmp_path / "r.json", [row])).new == 1
    (found,) = rows_of(run)
    assert (found.reviewer, found.outcome, found.left) == ("ann", "tuned", "base")
