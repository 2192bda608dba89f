"""Errors when a verdict, or a file of verdicts, cannot be used: one sentence each, with the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from blindside.words import counted
from eval.errors import InputError, NotSaved
from eval.judge.csv_codec import Columns
from eval.judge.store.acknowledged import acknowledged_path
from eval.records import Judgement


def other_columns(path: Path, existing: Columns, wanted: Columns) -> InputError:
    def said(columns: Columns) -> str:
        return ", ".join([*columns.criteria, *(["tags"] if columns.tags else [])]) or "none"

    return InputError(
        f"columns of the study: {said(existing)} in the file, {said(wanted)} in the study: "
        "continue with the study that the rows were judged by, or judge a run of another name",
        path=path,
        line=1,
    )


def changed_too_often(path: Path) -> NotSaved:
    return NotSaved(
        f"Not saved ({path.name} keeps being changed by another program): close it, then press the key again"
    )


def not_saved(error: OSError | ValueError) -> NotSaved:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return NotSaved(f"Not saved ({reason}): press the key again once that is fixed")


def cannot_put_back(path: Path, lost: Sequence[Judgement], error: Exception) -> InputError:
    return InputError(
        f"{counted(len(lost), 'row that had been saved is', 'rows that had been saved are')} missing, the first "
        f"{lost[0].verdict_id} by {lost[0].reviewer}, "
        f"and cannot be put back ({error}): restore the file, or remove these rows from "
        f"{acknowledged_path(path).name} too",
        path=path,
    )
