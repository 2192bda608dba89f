"""Pseudonyms of reviewers: published files show who judged alike, and name nobody.

The names come from a keyed hash. The key is random, is in the run's folder and never leaves it: with it a pseudonym
can be traced by whoever holds the run, without it not even by trying likely names.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from eval.errors import InputError
from eval.judge.csv_codec import encode_row
from eval.judge.store.hash_chain import sealed
from eval.judge.store.verdict_files import read_file
from eval.records import Judgement, Thumb, Verdict
from eval.run import Run
from eval.spreadsheet import restore

KEY_FILE = ".pseudonyms.key"
#: Files of judgements, by what their rows are.
KINDS: dict[str, type[Judgement]] = {"verdicts.csv": Verdict, "thumbs.csv": Thumb}
_PREFIX = "reviewer-"


@dataclass(frozen=True)
class Pseudonyms:
    """The same reviewer of the same run always gets the same name."""

    key: bytes

    def of(self, reviewer: str) -> str:
        """`reviewer-` and ten hex digits."""
        return _PREFIX + self.keyed(reviewer)[:10]

    def keyed(self, text: str) -> str:
        """A hash (64 hex digits) that only whoever has the key can make again."""
        return hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def pseudonyms(run: Run) -> Pseudonyms:
    """Those of a run; its key is made when it is asked for the first time. Raises InputError for a broken key."""
    path = run.folder / KEY_FILE
    if not path.exists():
        _make_key(path)
    text = path.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise InputError("is not a key: restore it, or remove it to give reviewers new pseudonyms", path=path)
    return Pseudonyms(bytes.fromhex(text))


def _make_key(path: Path) -> None:
    """Whole or not at all, for its owner alone; of two processes that make one, the first counts for both."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if not path.exists():
            _link(beside, path)
    finally:
        beside.unlink()


def _link(beside: Path, path: Path) -> None:
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        return


def published(path: Path, names: Pseudonyms, *, comments: bool) -> bytes:
    """A verdicts.csv or thumbs.csv with pseudonyms for reviewers, its other cells as they are, its rows sealed again.

    Comments are emptied unless asked for: people sign them, and name others. A seal of the old row would be a hash of
    the reviewer's name among known cells, and tell it to whoever tries names. Raises InputError as the store's reader.
    """
    kind = KINDS[path.name]
    rows, columns = read_file(path, kind)
    if columns is None:
        return b""
    lines, before = [columns.header(kind)], ""
    for row in rows:
        renamed_row = row.model_copy(
            update={"reviewer": names.of(row.reviewer), "comment": row.comment if comments else ""}
        )
        if row.seal:
            renamed_row = sealed(renamed_row, before, columns)
            before = renamed_row.seal
        lines.append(encode_row(renamed_row, columns))
    return b"".join(lines)


def reviewers(data: bytes) -> list[str]:
    """The names in the column `reviewer` of a CSV, sorted; none where it has no such column."""
    header, rows = _table(data)
    if "reviewer" not in header:
        return []
    column = header.index("reviewer")
    return sorted({restore(row[column]) for row in rows})


def renamed(data: bytes, names: Pseudonyms) -> bytes:
    """Any CSV with pseudonyms in its column `reviewer`; the same bytes where it has none."""
    header, rows = _table(data)
    if "reviewer" not in header:
        return data
    column = header.index("reviewer")
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([*row[:column], names.of(restore(row[column])), *row[column + 1 :]] for row in rows)
    return written.getvalue().encode()


def _table(data: bytes) -> tuple[list[str], list[list[str]]]:
    """Header and rows; the gate has read the file before, so its form is known to be right."""
    rows = [row for row in csv.reader(StringIO(data.decode("utf-8-sig"), newline="\n")) if row]
    return (rows[0], rows[1:]) if rows else ([], [])
