"""The newest snapshot of a run for many pages, computed by one thread in the background.

A page never waits for the analysis of a large run: it shows the last one, says that newer verdicts are being counted,
and follows by itself.
"""

from __future__ import annotations

import gc
import logging
import math
import threading
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from blindside.garbage import collected_later
from eval.errors import BlindsideError
from eval.journal import stamp_of
from eval.judge.setup.frozen_study import thumbs_path
from eval.judge.setup.plan import plan_path
from eval.judge.store.acknowledged import acknowledged_path
from eval.judge.store.side_files import skips_path
from eval.judge.study.study import NAME
from eval.records import sha256_text
from eval.report.pages.behind import Behind
from eval.report.pages.figures import findings
from eval.report.pages.snapshot import Snapshot, Stamp, read_snapshot
from eval.report.pages.words import words
from eval.run import Run, open_run

#: The first so many parts of a stamp are files that judging does not change.
_FIXED = 5
#: After an analysis that took longer than pages wait, so many times as long nothing is computed: judging needs the
#: machine too.
_REST = 2.0

#: Seconds that whoever asks for more than the snapshot's own figures waits at least.
_ASKED_FOR = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Latest:
    """What a page can show: a snapshot, or the problem that its files have in one sentence; neither before the first.

    `looked_at`: when its files were as it has them; `behind`: they have changed since.
    """

    snapshot: Snapshot | None
    problem: str
    looked_at: datetime
    stamp: str
    behind: bool


@dataclass(frozen=True)
class _Read:
    """How reading files with a stamp came out."""

    stamp: Stamp
    looked_at: datetime
    snapshot: Snapshot | None = None
    error: Exception | None = None


class SnapshotSource:
    """A run's files, read for pages. `patience`: seconds that a page waits for what is newer before it shows what
    there is."""

    def __init__(self, run: Run, patience: float = math.inf) -> None:
        self.run = run
        self._patience = patience
        #: What pages ask for beside the snapshot.
        self.behind = Behind(max(patience, _ASKED_FOR))
        self._begun_at = datetime.now(UTC)
        self._lock = threading.Lock()
        self._read: _Read | None = None
        #: The last that could be read, and its stamp.
        self._good: tuple[Stamp, Snapshot] | None = None
        self._job: Future[None] | None = None
        self._rests_until = 0.0

    def current(self) -> tuple[Snapshot, datetime]:
        """The snapshot of the files as they are, waited for, and when they were looked at, which is now.

        Raises InputError or RunError for files that cannot be trusted.
        """
        # What is being computed when this is asked may lack what was written since it began; the next one does not.
        for _ in range(2):
            with self._lock:
                job = self._asked()
            if job is None:
                break
            wait([job])
        read = self._read
        if read is None or read.snapshot is None:
            raise (read and read.error) or RuntimeError("nothing was read")
        return read.snapshot, read.looked_at

    def begin(self, seconds: float) -> None:
        """Begin to read, and wait so long. Raises as `current` for what was found wrong until then."""
        with self._lock:
            job = self._asked()
        wait([job] if job else [], seconds)
        if self._read is not None and isinstance(self._read.error, BlindsideError):
            raise self._read.error

    def latest(self) -> Latest:
        """What can be shown now; newer files are begun to be read, and waited for as long as patience lasts."""
        with self._lock:
            job = self._asked(resting=True)
        if job is not None:
            wait([job], None if self._patience == math.inf else self._patience)
        read = self._read or _Read((), self._begun_at)
        behind = read.stamp != _stamp(self.run)
        return Latest(read.snapshot, _error_text(read.error), read.looked_at, _short(self._read), behind)

    def stamp(self) -> str:
        """Another one as soon as there is something else to show, then " behind" where newer files are being read.

        Cheap, for who asks every other second; who asks makes newer files be read.
        """
        with self._lock:
            self._asked(resting=True)
        behind = self._read is None or self._read.stamp != _stamp(self.run)
        return _short(self._read) + (" behind" if behind else "")

    def _asked(self, *, resting: bool = False) -> Future[None] | None:
        """The computation under way, begun if the files ask for it; None where what was read is as they are, or the
        machine rests. Called under the lock."""
        if self._job is not None:
            return self._job
        # Time and stamp are taken before reading: what is written meanwhile is seen by the next one.
        now, stamp = datetime.now(UTC), _stamp(self.run)
        if self._read is not None and self._read.stamp == stamp:
            self._read = replace(self._read, looked_at=now)
            return None
        if resting and time.monotonic() < self._rests_until:
            return None
        self._job = job = Future[None]()
        threading.Thread(target=self._work, args=(job, now, stamp), daemon=True).start()
        return job

    def _work(self, job: Future[None], now: datetime, stamp: Stamp) -> None:
        begun = time.monotonic()
        read = self._tried(now, stamp)
        took = time.monotonic() - begun
        with self._lock:
            self._read, self._job = read, None
            if read.snapshot is not None:
                self._good = stamp, read.snapshot
            self._rests_until = time.monotonic() + _REST * took if took > self._patience else 0.0
        job.set_result(None)

    def _tried(self, now: datetime, stamp: Stamp) -> _Read:
        try:
            return _Read(stamp, now, self._made(stamp))
        except BlindsideError as error:
            return _Read(stamp, now, error=error)
        except Exception as error:  # noqa: BLE001 (nobody else would hear of it)
            _log.exception("%s: its figures cannot be computed", self.run.name)
            return _Read(stamp, now, error=error)

    def _made(self, stamp: Stamp) -> Snapshot:
        """All that pages show of the files, so that showing it takes little."""
        same = self._good[1] if self._good and self._good[0][:_FIXED] == stamp[:_FIXED] else None
        with collected_later():
            snapshot = read_snapshot(open_run(self.run.folder.parent, self.run.folder.name), same)
            findings(snapshot, words("en"))
            _ = snapshot.traits, snapshot.by_item, snapshot.by_id
        # What stays is not looked through for cycles at each request.
        gc.freeze()
        return snapshot


def _error_text(error: Exception | None) -> str:
    if error is None or isinstance(error, BlindsideError):
        return str(error or "")
    return (
        f"The figures cannot be computed ({type(error).__name__}: {error}): "
        "read the log of the command that serves this page, and report it."
    )


def _short(read: _Read | None) -> str:
    return sha256_text(repr(read.stamp))[:16] if read else "none"


def _stamp(run: Run) -> Stamp:
    verdicts = run.verdicts_path
    read = (run.prompts_path, run.responses_path, run.folder / "run.json", run.folder / NAME, plan_path(run))
    judged = (verdicts, acknowledged_path(verdicts), skips_path(run), thumbs_path(run))
    return tuple(map(stamp_of, (*read, *judged)))
