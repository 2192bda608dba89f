"""Cells that spreadsheets open safely, and that read back unchanged."""

from __future__ import annotations

import re

# A spreadsheet runs what begins with one of these (the last four are the full-width forms). Quotes before it are ours
# or the writer's: one is added on the way out and one is taken on the way in, so any number of them survives.
_RUNS = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


def storable(text: str) -> str:
    """`text` with U+FFFD for each NUL, at which other readers of CSV stop."""
    return text.replace("\0", "\ufffd")


def neutralise(cell: str) -> str:
    """The cell with a leading ' where a spreadsheet would run it; `restore` takes it off again."""
    return "'" + cell if _RUNS.match(cell) else cell


def restore(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _NEUTRALISED.match(cell) else cell
