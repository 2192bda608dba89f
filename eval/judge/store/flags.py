"""flags.csv: the pairs to which a reviewer wants to come back. A mark of their own, which enters no figure."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from eval.judge.store.side_files import append_row, read_rows
from eval.records import Kind, Row
from eval.run import Run


class Flag(Row):
    """One row of flags.csv, in the order of its columns; the last one on a pair counts."""

    run: str
    item: str
    reviewer: str
    kind: Kind
    flag: Literal["on", "off"]
    flagged_at: str


def flags_path(run: Run) -> Path:
    return run.folder / "flags.csv"


def read_flags(run: Run) -> list[Flag]:
    """The run's rows in the order of the file. Raises InputError with file and line."""
    return [row for row in read_rows(flags_path(run), Flag) if row.run == run.name]


def append_flag(run: Run, flag: Flag) -> None:
    """Put one row on disk. Raises NotSaved."""
    append_row(flags_path(run), flag)
