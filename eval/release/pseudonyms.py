"""Reviewers under other names: what is published shows who judged alike, and names nobody.

The names come from a keyed hash. The key is random, lies in the run's folder and never leaves it: with it a pseudonym
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
from eval.judge.cells import restore
from eval.run import Run

KEY_FILE = ".pseudonyms.key"
_PREFIX = "reviewer-"


@dataclass(frozen=True)
class Pseudonyms:
    """The same reviewer of the same run always gets the same name."""

    key: bytes

    def of(self, reviewer: str) -> str:
        """`reviewer-` and ten hex digits."""
        return _PREFIX + hmac.new(self.key, reviewer.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:10]


def pseudonyms(run: Run) -> Pseudonyms:
    """Those of a run; its key is made when it is asked for the first time. Raises InputError for a broken key."""
    path = run.folder / KEY_FILE
    if not path.exists():
        _make_key(path)
    text = path.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise InputError("is no key: restore it, or remove it to give reviewers new pseudonyms", path=path)
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


def reviewers(data: bytes) -> list[str]:
    """The names in the column `reviewer` of a CSV, sorted."""
    header, rows = _table(data)
    if "reviewer" not in header:
        return []
    column = header.index("reviewer")
    return sorted({restore(row[column]) for row in rows})


def published(data: bytes, names: Pseudonyms, *, comments: bool) -> bytes:
    """A verdicts.csv or thumbs.csv with pseudonyms for reviewers, its other cells as they are.

    Comments are emptied unless asked for: people sign them, and name others.
    """
    header, rows = _table(data)
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(header)
    who = header.index("reviewer") if "reviewer" in header else None
    said = header.index("comment") if "comment" in header and not comments else None
    for row in rows:
        if who is not None:
            row[who] = names.of(restore(row[who]))
        if said is not None:
            row[said] = ""
        writer.writerow(row)
    return written.getvalue().encode()


def _table(data: bytes) -> tuple[list[str], list[list[str]]]:
    """Header and rows; the gate has read the file before, so its form is known to be right."""
    rows = [row for row in csv.reader(StringIO(data.decode("utf-8-sig"), newline="\n")) if row]
    return (rows[0], rows[1:]) if rows else ([], [])
