"""Downloads the run onto the Space's disk before anybody judges."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from eval.errors import ReleaseError
from eval.journal import write_atomically
from eval.judge.setup.keyfile import KEY_FILE
from eval.release.hub.sync import snapshot
from eval.release.space.layout import ACCOUNTS, FIXED, RUN, SETTINGS, TABLES, Settings
from eval.release.space.store import Store
from eval.release.space.tables import check_seals, continuation, parted_at
from eval.run import Run, open_run

_SECRET = frozenset({KEY_FILE, ACCOUNTS})


@dataclass(frozen=True)
class FetchedRun:
    """A run on this disk, and its tables as the Hub had them `at` (seconds since the epoch)."""

    run: Run
    tables: dict[str, bytes]
    at: float


def fetch(store: Store, reports: Path) -> FetchedRun:
    """The run, whole, in its folder below `reports`, which may be there already: of its tables the longer ones stay.

    Raises ReleaseError where rows here and there parted, or a row on the Hub is not as it was written.
    """
    at, revision = time.time(), store.head()
    folder = reports / store.run
    if not store.read(RUN, revision):
        raise ReleaseError(f"{store.repo} holds no run {store.run}: make it again with `blindside space`")
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*FIXED, ACCOUNTS):
        _put(folder, name, store.read(name, revision))
    tables = {name: store.read(name, revision) for name in TABLES}
    for name, theirs in tables.items():
        _put(folder, name, _continued(folder, name, theirs, store))
    # It comes last: its presence means that the run is complete.
    _put(folder, RUN, store.read(RUN, revision))
    return FetchedRun(open_run(reports, store.run), tables, at)


def settings(store: Store) -> Settings:
    """How the run is to be served. Raises ReleaseError."""
    try:
        return Settings.model_validate_json(store.read(SETTINGS, store.head()) or b"{}")
    except ValidationError:
        raise ReleaseError(f"{SETTINGS} in {store.repo} is damaged: publish the Space again") from None


def _continued(folder: Path, name: str, theirs: bytes, store: Store) -> bytes:
    ours = snapshot(folder / name)
    check_seals(folder, name, theirs, store.run)
    longer = continuation(ours, theirs)
    if longer is None:
        raise ReleaseError(
            f"{name} on this disk and in {store.repo} differ from line {parted_at(ours, theirs)} on: "
            "restore an earlier revision of the file on the Hub"
        )
    return longer


def _put(folder: Path, name: str, data: bytes) -> None:
    path = folder / name
    if data and (not path.exists() or path.read_bytes() != data):
        write_atomically(path, data, mode=0o600 if name in _SECRET else None)
