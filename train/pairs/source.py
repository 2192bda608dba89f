"""Reads pairs one at a time from a file or a data set of the Hub: each row is a Pair or an Excluded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from blindside.hub.names import HUB, read_source
from blindside.tables.encoding import Note
from blindside.tables.reader import ignore
from blindside.tables.rows import Excluded, Record, Unusable
from blindside.tables.turns import Fields
from train.errors import PairsError, RecipeError
from train.launch import ROOT
from train.pairs.fetch import fetch_rows
from train.pairs.formats import Convert, detect, reader, to_pair
from train.pairs.pair import Pair
from train.pairs.records import read_records

TRAIN_ENV = ROOT / ".venv-train"
PLAIN = Fields()


@contextmanager
def local_file(source: str | Path, env: Path = TRAIN_ENV) -> Iterator[Path]:
    """The file that `source` is; a Hub data set (hub:owner/name[:split]) is there until the context ends.

    Raises RecipeError where the Hub does not give it.
    """
    if not str(source).startswith(HUB):
        yield Path(source)
        return
    try:
        name, split = read_source(str(source))
    except ValueError as error:
        raise RecipeError(str(error)) from None
    with tempfile.TemporaryDirectory(prefix="blindside-pairs-") as folder:
        path = Path(folder) / "rows.jsonl"
        fetch_rows(name, split or "train", None, ["*"], path, env)
        yield path


def read_pairs(
    path: Path, *, format: str = "", fields: Fields = PLAIN, name: str = "", note: Note = ignore
) -> Iterator[Pair | Excluded]:
    """Every row of a file in its order. Without `format` the first row tells it. `name` is what errors call the file,
    and `note` gets sentences on how it was read.

    Raises PairsError for a file that can't be read, holds nothing, or is of no known format.
    """
    convert: Convert | None = _convert(format, path) if format else None
    empty = True
    for record in read_records(path, note):
        empty = False
        record = replace(record, path=name or str(path))
        if isinstance(record, Record) and convert is None:
            convert = reader(detect(record, fields))
        yield _read(record, convert, fields)
    if empty:
        raise PairsError("is empty", path=name or path)


def _convert(format: str, path: Path) -> Convert:
    try:
        return reader(format)
    except ValueError as error:
        raise PairsError(str(error), path=path) from None


def _read(record: Record | Excluded, convert: Convert | None, fields: Fields) -> Pair | Excluded:
    if isinstance(record, Excluded) or convert is None:
        assert isinstance(record, Excluded)
        return record
    try:
        return to_pair(record, convert, fields)
    except Unusable as error:
        return Excluded(record.path, record.line, error.reason, error.detail)
