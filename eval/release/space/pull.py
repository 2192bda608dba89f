"""Copies the verdicts of a Space back: whole and appended to those here, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eval.errors import ReleaseError
from eval.journal import Journal, whole_csv_rows
from eval.judge.store.file_lock import FileLock
from eval.judge.store.verdict_files import read_file
from eval.release.hub.sync import snapshot
from eval.release.space.layout import FIXED, RUN, TABLES
from eval.release.space.store import Store
from eval.release.space.stranded import FOLDER
from eval.release.space.tables import KINDS, check_seals, continuation, parted_at
from eval.run import Run
from eval.run_info import RunInfo

#: Files that a report reads; the key and the answers are here already.
_SAME = tuple(name for name in FIXED if name in ("study.json", "plan.json"))


@dataclass(frozen=True)
class Pulled:
    """`new`: judgements that were not here; `rows`: all that are here now."""

    new: int
    rows: int


def pull(run: Run, store: Store, say: Callable[[str], None]) -> Pulled:
    """Bring what was judged elsewhere onto this disk. Raises ReleaseError, and then nothing was changed."""
    revision = store.head()
    _refuse_other(run, store, revision)
    tables = {name: store.read(name, revision) for name in TABLES}
    for name, data in tables.items():
        check_seals(run.folder, name, data, run.name)
    before = _judged(run)
    with FileLock(run.folder / ".pull.lock").held():
        for name, data in tables.items():
            _refuse_parted(run, store, name, data)
        for name, data in tables.items():
            _append(run, name, data)
    for path in store.names(FOLDER, revision):
        say(f"{store.repo} holds verdicts of a server that was replaced, which are in no table: {path}")
    rows = _judged(run)
    return Pulled(rows - before, rows)


def _judged(run: Run) -> int:
    return sum(len(read_file(run.folder / name, kind, run=run.name)[0]) for name, kind in KINDS.items())


def _refuse_other(run: Run, store: Store, revision: str) -> None:
    remote = store.read(RUN, revision)
    if not remote:
        raise ReleaseError(f"{store.repo} holds no run {run.name}: name the repository by --data")
    if RunInfo.model_validate_json(remote).identity() != run.info.identity():
        raise ReleaseError(f"{store.repo} holds another comparison that is called {run.name}: nothing was changed")
    for name in _SAME:
        path = run.folder / name
        if path.exists() and path.read_bytes() != store.read(name, revision):
            raise ReleaseError(
                f"{path} is not what people judged by in {store.repo}, and nothing was changed: restore it from there"
            )


def _refuse_parted(run: Run, store: Store, name: str, theirs: bytes) -> None:
    path = run.folder / name
    ours = snapshot(path)
    if continuation(ours, theirs) is None:
        raise ReleaseError(
            f"{path} and the copy in {store.repo} differ from line {parted_at(ours, theirs)} on, and nothing was "
            "changed: rows were judged or altered in both places; move the local one aside and pull again, "
            "or restore an earlier revision on the Hub"
        )


def _append(run: Run, name: str, theirs: bytes) -> None:
    path = run.folder / name
    # As a judging server appends, so that one that runs here sees rows come and none change.
    with FileLock(path.with_name(f".{path.stem}.lock")).held():
        if new := theirs[len(snapshot(path)) :]:
            Journal(path, whole_csv_rows, lambda tail: False).append(new)
