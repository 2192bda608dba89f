"""Checks each row of verdicts.csv or thumbs.csv, given the rows before it."""

from __future__ import annotations

from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from blindside.words import counted
from eval.errors import InputError
from eval.judge.csv_codec import Columns, fields_of
from eval.records import Judgement

R = TypeVar("R", bound=Judgement)

#: What many rows hold alike; in other columns no two cells are the same.
_SHARED = frozenset(
    ("run", "item", "category", "reviewer", "kind", "outcome", "left", "side", "sha256", "base_sha256", "tuned_sha256")
)


class Checks(Generic[R]):
    """What each row must be, given the rows before it. `lines`: where each verdict_id stands."""

    def __init__(
        self, path: Path, row: type[R], columns: Columns, run: str | None, values: dict[str, tuple[str, ...]]
    ) -> None:
        self.columns = columns
        self.lines: dict[str, int] = {}
        self._path = path
        self._row = row
        self._width = len(columns.names(row))
        self._run = run
        self._values = values
        self._standing: dict[tuple[str, str, str], R] = {}
        #: Texts that many rows share, held once, where they stand, and the names of the fields of any row.
        self._shared: dict[str, str] = {}
        self._sharing = [at for at, name in enumerate(columns.names(row)) if name in {*_SHARED, *columns.criteria}]
        self._fields: set[str] = set()

    def admit(self, cells: list[str], line: int) -> R:
        return self.place(self.parse(cells, line), line)

    def place(self, row: R, line: int) -> R:
        """The row, if it may follow those before it."""
        self._run = self._run or row.run
        if row.run != self._run:
            raise self._error(f"run: {row.run!r} is not {self._run!r}: move the row to its own run's file", line)
        if row.verdict_id in self.lines:
            first = self.lines[row.verdict_id]
            raise self._error(f"verdict_id: {row.verdict_id} is on line {first} too: remove one of the two rows", line)
        self.lines[row.verdict_id] = line
        self._know_values(row, line)
        self._count_once(row, line)
        return row

    def parse(self, cells: list[str], line: int) -> R:
        if len(cells) != self._width:
            raise self._error(
                f"{counted(len(cells), 'cell')} instead of {self._width}: correct or remove the row", line
            )
        try:
            for at in self._sharing:
                cells[at] = self._shared.setdefault(cells[at], cells[at])
            return self._lighter(self._row.model_validate(fields_of(cells, self.columns, self._row)))
        except ValidationError as error:
            first = error.errors()[0]
            raise self._error(
                f"{first['loc'][0]}: {first['msg']}, not {first['input']!r}: correct the cell", line
            ) from None

    def _lighter(self, row: R) -> R:
        """The row with one set of names for all rows: a set of its own takes a third of a row's memory."""
        self._fields = self._fields or row.__pydantic_fields_set__
        object.__setattr__(row, "__pydantic_fields_set__", self._fields)
        return row

    def _know_values(self, row: R, line: int) -> None:
        for column, allowed in self._values.items():
            cell = row.criteria[column]
            if cell and cell not in allowed:
                raise self._error(f"{column}: {cell!r} is not one of {', '.join(allowed)}: correct the cell", line)

    def _count_once(self, row: R, line: int) -> None:
        before = self._standing.get(row.slot)
        if before is not None and row.replaces != before.verdict_id:
            first = self.lines[before.verdict_id]
            raise self._error(
                f"replaces: {row.reviewer!r} judged item {row.item!r} on line {first} already: "
                f"remove one of the two rows, or put {before.verdict_id} here",
                line,
            )
        self._standing[row.slot] = row

    def _error(self, problem: str, line: int) -> InputError:
        return InputError(problem, path=self._path, line=line)
