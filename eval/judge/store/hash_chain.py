"""A seal on every row: a hash of the row and of the seal before it, so that a changed, lost or moved row shows.

It protects from accidents and from quiet edits, not from somebody who computes all seals again. What a spreadsheet
changes in form only (BOM, CRLF, quotes) leaves seals whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from eval.judge.csv_codec import Columns, encode_row
from eval.records import IMPORTED, Judgement

R = TypeVar("R", bound=Judgement)

#: A letter first, so that no spreadsheet takes a seal for a number.
LETTER, DIGITS = "s", 20


def seal_of(row: Judgement, before: str, columns: Columns) -> str:
    """The seal of a row that follows one whose seal is `before` (empty for the first). Raises ValueError as encode_row.

    It is taken of the row's line, so it is the same whether the row was just made or read again.
    """
    line = encode_row(row, columns, seal=False)
    return LETTER + hashlib.sha256(before.encode() + b"\n" + line).hexdigest()[:DIGITS]


def sealed(row: R, before: str, columns: Columns) -> R:
    """The row with its seal, behind a row whose seal is `before`; one that was judged elsewhere stays without.

    Raises ValueError as encode_row.
    """
    return row if row.imported else row.model_copy(update={"seal": seal_of(row, before, columns)})


def broken_rows(rows: Sequence[R], columns: Columns) -> list[R]:
    """The rows that are not as they were written, or do not follow the row before them; none that were imported.

    Rows that are missing at the end do not show here: whoever remembers the last seal can tell.
    """
    before = ["", *(row.seal for row in rows)]
    return [row for row, seal in zip(rows, before, strict=False) if not _fits(row, seal, columns)]


def _fits(row: Judgement, before: str, columns: Columns) -> bool:
    try:
        return row.seal in (IMPORTED, seal_of(row, before, columns))
    except ValueError:
        return False
