"""A seal on every row: a hash of the row and of the seal before it, so that a changed, lost or moved row shows.

It protects from accidents and from quiet edits, not from somebody who computes all seals anew. What a spreadsheet
changes in form only (BOM, CRLF, quotes) leaves seals whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from eval.judge.cells import Columns, encode_row
from eval.records import Judgement

#: A letter first, so that no spreadsheet takes a seal for a number.
LETTER, DIGITS = "s", 20


def seal_of(row: Judgement, before: str, columns: Columns) -> str:
    """The seal of a row that follows one whose seal is `before` (empty for the first). Raises ValueError as encode_row.

    It is taken of the row's line, so it is the same whether the row was just made or read again.
    """
    line = encode_row(row.model_copy(update={"seal": ""}), columns)
    return LETTER + hashlib.sha256(before.encode() + b"\n" + line).hexdigest()[:DIGITS]


def first_broken(rows: Sequence[Judgement], columns: Columns) -> Judgement | None:
    """The first row that is not as it was written, or does not follow the row before it; None where all are whole.

    Rows that are missing at the end do not show here: whoever remembers the last seal can tell.
    """
    before = ""
    for row in rows:
        if row.seal != seal_of(row, before, columns):
            return row
        before = row.seal
    return None
