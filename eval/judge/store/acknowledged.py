"""`.verdicts.acknowledged.csv`: a second copy of every row that a reviewer was told is saved.

People open verdicts.csv, save older copies over it and let sync tools replace it; nobody opens this one. What it holds
and the other file lacks, or holds otherwise, was lost or changed after it was acknowledged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Generic

from eval.errors import InputError
from eval.journal import Journal, whole_csv_rows
from eval.judge.csv_codec import Columns, encode_row
from eval.judge.store.hash_chain import broken_rows
from eval.judge.store.row_checks import Checks
from eval.judge.store.verdict_files import R, RowsFile, csv_lines, header_of, read_bytes
from eval.records import Judgement

_log = logging.getLogger(__name__)

#: How many alterations are named one by one.
NAMED = 5


def acknowledged_path(path: Path) -> Path:
    """Where the second copy of a verdicts.csv or thumbs.csv lies."""
    return path.with_name(f".{path.stem}.acknowledged{path.suffix}")


def read_acknowledged(path: Path, row: type[R], *, run: str) -> dict[str, R]:
    """verdict_id -> row, of this run, in the order in which they were acknowledged; `path` is the file beside which
    the copy lies. Raises InputError naming file and line."""
    copy = acknowledged_path(path)
    data = read_bytes(copy)
    lines = csv_lines(copy, data[: whole_csv_rows(data)])
    header = next(lines, None)
    if header is None:
        return {}
    checks = Checks(copy, row, header_of(copy, header[1], row), run, {})
    rows = (checks.parse(cells, line) for line, cells in lines)
    return {one.verdict_id: one for one in rows if one.run == run}


class Acknowledged(Generic[R]):
    """The second copy, written. A disk that refuses it is reported once, and costs no verdict."""

    def __init__(self, path: Path, row: type[R], columns: Columns) -> None:
        self._journal = Journal(acknowledged_path(path), whole_csv_rows, lambda torn: False)
        self._header = columns.header(row)
        self._columns = columns
        self._refused = False

    def add(self, rows: Iterable[R]) -> None:
        """Put rows on disk. Called under the lock of the file beside which it lies."""
        data = b"".join(encode_row(row, self._columns) for row in rows)
        try:
            if data:
                self._journal.append(data, header=self._header)
        except OSError as error:
            if not self._refused:
                _log.warning("%s: cannot be written (%s): free the disk", self._journal.path, error.strerror)
            self._refused = True


def missing_rows(file: RowsFile[R], acknowledged: Mapping[str, R]) -> list[R]:
    """The acknowledged rows that a file lacks."""
    return [row for key, row in acknowledged.items() if key not in file.lines]


def changed_rows(path: Path, file: RowsFile[R], acknowledged: Mapping[str, R]) -> list[str]:
    """One sentence for each cell that is not as it was acknowledged, and for each other seal that does not fit."""
    columns = file.columns or Columns()
    alterations, explained = [], set()
    for row in file.rows:
        for column, was, now in _changed_cells(acknowledged.get(row.verdict_id), row):
            explained.add(row.verdict_id)
            alterations.append(
                f"{path}:{file.lines[row.verdict_id]}: {column} is {now!r} and was saved as {was!r}: restore the cell"
            )
    for row in broken_rows(file.rows, columns, map(bool, file.sealed[1::2])):
        if row.verdict_id not in explained:
            alterations.append(
                f"{path}:{file.lines[row.verdict_id]}: the seal of verdict {row.verdict_id} by {row.reviewer} does not "
                "match: after it was judged, this row was changed or moved, or one before it was removed: "
                "restore the file"
            )
    return alterations


def alterations(path: Path, file: RowsFile[R], row: type[R], *, run: str) -> list[str]:
    """One sentence for each thing of a file that is not as it was acknowledged: cells, seals, missing rows."""
    try:
        same = file.data == read_bytes(acknowledged_path(path))
        acknowledged, alterations = {} if same else read_acknowledged(path, row, run=run), []
    except InputError as error:
        acknowledged, alterations = {}, [str(error)]
    lost = missing_rows(file, acknowledged)
    if lost:
        more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
        alterations.append(
            f"{path} lacks verdict {lost[0].verdict_id} by {lost[0].reviewer}{more}, which had been saved: "
            "restore the file, or start `blindside judge`, which restores them"
        )
    return alterations + changed_rows(path, file, acknowledged)


def in_short(alterations: list[str]) -> list[str]:
    """The first few of many sentences, and how many more there are."""
    return (
        alterations
        if len(alterations) <= NAMED
        else [*alterations[:NAMED], f"and {len(alterations) - NAMED:,} more of this kind"]
    )


def _changed_cells(before: Judgement | None, now: Judgement) -> list[tuple[str, object, object]]:
    """(column, what was saved, what is there); the seal says nothing of its own."""
    if before is None:
        return []
    then, after = before.model_dump(exclude={"seal"}), now.model_dump(exclude={"seal"})
    then |= then.pop("criteria")
    after |= after.pop("criteria")
    return [(name, then.get(name, ""), value) for name, value in after.items() if value != then.get(name, "")]
