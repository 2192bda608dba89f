"""How a verdict becomes a row of CSV and comes back the same: quoting, and cells that a spreadsheet would run."""

from __future__ import annotations

import re

from eval.records import VERDICT_COLUMNS, Verdict

#: Longer cells could not be read again: 131,072 characters is the csv module's limit.
LONGEST = 100_000

# A spreadsheet runs what begins with one of these (the last four are the full-width forms). Quotes before it are ours
# or the reviewer's: one is added on the way out and one is taken on the way in, so any number of them survives.
_RUNS = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$')


def storable(text: str) -> str:
    """`text` with U+FFFD for each NUL, at which other readers of CSV stop."""
    return text.replace("\0", "\ufffd")


def neutralise(cell: str) -> str:
    """The cell with a leading ' where a spreadsheet would run it; `restore` takes it off again."""
    return "'" + cell if _RUNS.match(cell) else cell


def restore(cell: str) -> str:
    return cell[1:] if _NEUTRALISED.match(cell) else cell


def encode_row(verdict: Verdict) -> bytes:
    """One line of verdicts.csv. Raises ValueError for a cell of more than LONGEST characters."""
    cells = verdict.model_dump()
    return _line([str(cells[column]) for column in VERDICT_COLUMNS])


def _line(cells: list[str]) -> bytes:
    return (",".join(_quoted(neutralise(storable(cell))) for cell in cells) + "\n").encode()


def _quoted(cell: str) -> str:
    if len(cell) > LONGEST:
        raise ValueError(f"a cell of {len(cell):,} characters: the longest is {LONGEST:,}")
    return '"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell


HEADER = (",".join(VERDICT_COLUMNS) + "\n").encode()
