"""Files of verdicts from elsewhere, brought into a run."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.judge.other_tools.imports import ImportSummary, import_verdicts
from eval.judge.store.verdict_files import read_verdicts
from eval.records import Verdict
from eval.run import Run

Row = Mapping[str, Any]


def sheet(path: Path, rows: Sequence[Row]) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return path


def bring(run: Run, path: Path, **options: Any) -> ImportSummary:
    tally = import_verdicts(run, path, say=lambda _: None, **options)
    assert tally.rows == tally.new + tally.there + tally.excluded.total()
    return tally


def rows_of(run: Run) -> list[Verdict]:
    return read_verdicts(run.verdicts_path, run=run.name)
