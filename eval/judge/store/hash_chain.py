"""The seal on every row: a hash over the row and the seal before, so that changed, lost or moved rows show.

It protects from accidents and from quiet edits, not from somebody who computes all seals again. What a spreadsheet
changes in form only (BOM, CRLF, quotes) leaves seals whole.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise, repeat
from typing import TypeVar

from eval.judge.csv_codec import Columns, encode_row
from eval.records import IMPORTED, Judgement

R = TypeVar("R", bound=Judgement)

#: A letter first, so that no spreadsheet takes a seal for a number.
LETTER, DIGITS = "s", 20
#: Where a cell begins, or may begin, with what a spreadsheet runs (eval.spreadsheet), in UTF-8.
_FORMULA = re.compile(rb'(?:^|[,"])(?:[=+\-@\t\r\n]|\xef\xbc[\x8b\x8d\x9d\xa0])')


def seal_of(row: Judgement, before: str, columns: Columns) -> str:
    """The seal of a row that follows one whose seal is `before` (empty for the first). Raises ValueError as encode_row.

    It is taken of the row's line, so it is the same whether the row was just made or read again.
    """
    return _seal(encode_row(row, columns, seal=False), before)


def sealed(row: R, before: str, columns: Columns) -> R:
    """The row with its seal, behind a row whose seal is `before`; one that was judged elsewhere stays without.

    Raises ValueError as encode_row.
    """
    return row if row.imported else row.model_copy(update={"seal": seal_of(row, before, columns)})


def sealed_lines(rows: Sequence[Judgement], data: bytes, starts: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Where each row lies in the file `data`, first and last byte, if its bytes are the very ones that its seal was
    taken of: such a row is whole, and need not be encoded again to tell. (0, 0) for any other.

    `starts`: the physical line, from 1, on which each row begins.
    """
    file, before, at = io.BytesIO(data), "", 1
    for row, (start, end) in zip(rows, pairwise([*starts, sys.maxsize]), strict=True):
        for _ in islice(file, start - at):
            pass
        begin = file.tell()
        line = b"".join(islice(file, end - start))
        yield (begin, begin + len(line)) if _is_sealed(line, row.seal, before) else (0, 0)
        before, at = row.seal, end


def broken_rows(rows: Sequence[R], columns: Columns, whole: Iterable[bool] = repeat(False)) -> list[R]:
    """The rows that are not as they were written, or do not follow the row before them; none that were imported.

    Rows that are missing at the end do not show here: whoever remembers the last seal can tell. `whole`: of which rows
    that is known already.
    """
    before = ["", *(row.seal for row in rows)]
    found = zip(rows, before, whole, strict=False)
    return [row for row, seal, known in found if not known and not _fits(row, seal, columns)]


def _is_sealed(line: bytes, seal: str, before: str) -> bool:
    """Whether a line ends in a seal, plainly written, that fits all that is before it.

    Never where a cell may be a formula: somebody who computes seals must not get one into a report's copy of the row.
    """
    end = f"{seal}\n".encode()
    if _FORMULA.search(line):
        return False
    return len(seal) > DIGITS and line.endswith(end) and _seal(line[: -len(end)] + b"\n", before) == seal


def _seal(line: bytes, before: str) -> str:
    return LETTER + hashlib.sha256(before.encode() + b"\n" + line).hexdigest()[:DIGITS]


def _fits(row: Judgement, before: str, columns: Columns) -> bool:
    try:
        return row.seal in (IMPORTED, seal_of(row, before, columns))
    except ValueError:
        return False
