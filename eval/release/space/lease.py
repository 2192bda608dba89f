"""serving.json, the lease on a run: at most one server serves it at a time.

A server that finds another one's name there asks (`asked`), by a commit. Whoever serves looks for such a question all
the time, and answers by taking it away; where nobody answers, the server that asked takes over. No clock is compared,
and nothing is committed while all is well. A server that was silent and still lives finds itself replaced at its next
look or copy, and stops.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from huggingface_hub import HfApi
from pydantic import ValidationError

from eval.errors import ReleaseError
from eval.records import Row
from eval.release.space.layout import LEASE
from eval.release.space.store import RevisionMoved, Store


class Serving(Row):
    """`server`: who serves the run, "" where nobody does. `asked`: who wants to know whether that one is alive."""

    server: str = ""
    asked: str = ""


class Lease:
    """This server's hold on the run of `store`. `every`: seconds between two copies."""

    def __init__(self, store: Store, every: float) -> None:
        self.id = secrets.token_hex(8)
        self.lost = threading.Event()
        self._store = store
        #: Seconds between checks, until a silent server counts as dead, and between two questions to it.
        self._look = min(10.0, every / 3)
        self._patience, self._rest = 3.5 * self._look, 6 * self._look

    def take(self, busy: Callable[[], None]) -> None:
        """Wait until this server alone serves the run; `busy` is called when another one answered that it does.

        Raises ReleaseError where the Hub refuses.
        """
        asked_at: float | None = None
        while True:
            revision = self._store.head()
            serving = self._read(revision)
            if asked_at is not None and serving.asked != self.id and serving.server:
                busy()
                time.sleep(self._rest)
                asked_at = None
                continue
            silent = asked_at is not None and time.monotonic() - asked_at > self._patience
            try:
                if not serving.server or silent:
                    self._write(Serving(server=self.id), revision)
                    return
                if asked_at is None:
                    self._write(serving.model_copy(update={"asked": self.id}), revision)
                    asked_at = time.monotonic()
            except RevisionMoved:
                continue
            time.sleep(self._look)

    def check(self, _api: HfApi, revision: str) -> None:
        """Raises ReleaseError where another server took over by this revision."""
        if self.lost.is_set() or self._read(revision).server != self.id:
            self.lost.set()
            raise ReleaseError("another server took over this run: nothing was overwritten")

    @contextmanager
    def kept(self, on_lost: Callable[[], None]) -> Iterator[None]:
        """Answer those who ask, until the block ends; `on_lost` is called where another server took over."""
        end = threading.Event()
        thread = threading.Thread(target=self._keep, args=(end, on_lost), daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()

    def release(self) -> None:
        """Let the next server begin at once. What the Hub refuses only makes that one wait."""
        for _ in range(5):
            try:
                revision = self._store.head()
                if self._read(revision).server == self.id:
                    self._write(Serving(), revision)
                return
            except RevisionMoved:
                continue
            except ReleaseError:
                return

    def _keep(self, end: threading.Event, on_lost: Callable[[], None]) -> None:
        seen = ""
        while not end.wait(self._look):
            try:
                seen = self._answer(seen)
            except (ReleaseError, RevisionMoved):
                continue
            if self.lost.is_set():
                on_lost()
                return

    def _answer(self, seen: str) -> str:
        """Look, unless nothing was committed since `seen`; the revision that was looked at."""
        revision = self._store.head()
        if revision == seen and not self.lost.is_set():
            return seen
        serving = self._read(revision)
        if serving.server != self.id:
            self.lost.set()
        elif serving.asked:
            return self._write(Serving(server=self.id), revision)
        return revision

    def _read(self, revision: str) -> Serving:
        try:
            return Serving.model_validate_json(self._store.read(LEASE, revision) or b"{}")
        except ValidationError:
            return Serving()

    def _write(self, serving: Serving, revision: str) -> str:
        return self._store.commit({LEASE: serving.model_dump_json().encode()}, revision, "Who serves")
