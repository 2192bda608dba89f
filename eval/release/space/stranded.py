"""Verdicts that a server had not copied when another took over: kept beside the table."""

from __future__ import annotations

from collections.abc import Callable

from eval.errors import ReleaseError
from eval.release.hub.sync import Sync
from eval.release.space.layout import TABLES
from eval.release.space.store import RevisionMoved, Store
from eval.run import Run

FOLDER = "stranded"


def strand(run: Run, store: Store, sync: Sync, server: str, say: Callable[[str], None]) -> None:
    """Put what was not copied into `stranded/` on the Hub, and the run's folder here aside: it is fetched again.

    What the Hub refuses is reported, and stays in the folder.
    """
    waiting = {name: data for name in TABLES if (data := sync.waiting(name))}
    aside = run.folder.with_name(f"{run.name}.{server}")
    run.folder.rename(aside)
    if not waiting:
        return
    files = {f"{FOLDER}/{server}-{name}": data for name, data in waiting.items()}
    try:
        _committed(store, files)
        say(f"another server took over; what was not copied is in {store.repo}, {store.run}/{FOLDER}")
    except ReleaseError as error:
        say(f"another server took over; what was not copied is in {aside}: {error}")


def _committed(store: Store, files: dict[str, bytes]) -> None:
    while True:
        try:
            store.commit(files, store.head(), "Verdicts of a server that was replaced")
            return
        except RevisionMoved:
            continue
