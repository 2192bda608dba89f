"""Compares the rows of two copies of a table: which continues which, and whether their seals hold."""

from __future__ import annotations

from pathlib import Path

from eval.errors import InputError, ReleaseError
from eval.judge.store.hash_chain import broken_rows
from eval.judge.store.verdict_files import parse_rows
from eval.records import Judgement, Thumb, Verdict

KINDS: dict[str, type[Judgement]] = {"verdicts.csv": Verdict, "thumbs.csv": Thumb}


def continuation(ours: bytes, theirs: bytes) -> bytes | None:
    """Of two copies of an append-only table the one that continues the other; None where they parted."""
    if ours.startswith(theirs):
        return ours
    return theirs if theirs.startswith(ours) else None


def parted_at(ours: bytes, theirs: bytes) -> int:
    """The first line, from 1, that two tables have not in common."""
    lines = zip(ours.split(b"\n"), theirs.split(b"\n"), strict=False)
    return next((number for number, (one, other) in enumerate(lines, start=1) if one != other), 1)


def check_seals(folder: Path, name: str, data: bytes, run: str) -> None:
    """Raise ReleaseError where a row of a table is not as it was written, or belongs elsewhere.

    Skips and flags have no seals. `folder` is where study.json lies.
    """
    if name not in KINDS or not data:
        return
    try:
        file = parse_rows(folder / name, data, KINDS[name], run=run)
    except InputError as error:
        raise ReleaseError(f"the copy's {error}") from None
    broken = broken_rows(file.rows, file.columns) if file.columns else []
    if broken or file.torn is not None:
        line = file.lines[broken[0].verdict_id] if broken else file.torn
        raise ReleaseError(
            f"the copy's {name} was altered: line {line} is not as it was written: "
            "restore an earlier revision of the file on the Hub"
        )
