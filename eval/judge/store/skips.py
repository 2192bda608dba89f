"""skips.csv: which pair who put off, when. No verdict: it keeps a reviewer's skipped pairs last through a restart."""

from __future__ import annotations

from pathlib import Path

from eval.judge.store.side_files import append_row, read_rows
from eval.records import Kind, Row
from eval.run import Run


class Skip(Row):
    """One row of skips.csv, in the order of its columns."""

    run: str
    item: str
    reviewer: str
    kind: Kind
    skipped_at: str


COLUMNS = tuple(Skip.model_fields)


def skips_path(run: Run) -> Path:
    return run.folder / "skips.csv"


def read_skips(run: Run) -> list[Skip]:
    """The run's rows in the order of the file. Raises InputError with file and line."""
    return [row for row in read_rows(skips_path(run), Skip) if row.run == run.name]


def append_skip(run: Run, skip: Skip) -> None:
    """Put one row on disk. Raises NotSaved."""
    append_row(skips_path(run), skip)
