"""Verdicts for the tests of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.judge.csv_codec import PLAIN, Columns
from eval.judge.store.hash_chain import broken_rows
from eval.judge.store.ledger import Ledger
from eval.records import Judgement, Verdict
from eval.run import Run


def verdict(number: int = 0, **changes: Any) -> Verdict:
    """A verdict on item `number` by Ana, changed where the test needs it."""
    fields: dict[str, Any] = {
        "verdict_id": f"v{number}",
        "run": "trial",
        "item": f"item-{number}",
        "category": "colours",
        "reviewer": "Ana",
        "kind": "judgement",
        "outcome": "tuned",
        "left": "base",
        "base_sha256": "0" * 64,
        "tuned_sha256": "1" * 64,
        "comment": "",
        "seconds": 3.25,
        "judged_at": "2026-01-31T12:00:00.000Z",
        "replaces": "",
    }
    return Verdict(**{**fields, **changes})


def unsealed(rows: list[Verdict]) -> list[Verdict]:
    """The rows without the seals that the store gave them."""
    return [row.model_copy(update={"seal": ""}) for row in rows]


def verdict_store(run: Run, columns: Columns = PLAIN) -> Ledger[Verdict]:
    """The store of a run's verdicts.csv."""
    return Ledger(run.verdicts_path, Verdict, run.name, columns)


def first_broken(rows: Sequence[Judgement], columns: Columns) -> Judgement | None:
    """The first row that is not as it was written; None where all are whole."""
    return next(iter(broken_rows(rows, columns)), None)
