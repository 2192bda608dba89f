"""The program of a Space: fetch the run, serve its judging page, copy verdicts back meanwhile."""

from __future__ import annotations

import csv
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from huggingface_hub import HfApi, get_session

from blindside import console
from eval.errors import BlindsideError, ReleaseError
from eval.judge.access.accounts import Accounts
from eval.judge.access.hub_accounts import HubAccounts
from eval.judge.access.hub_oauth import HubOAuth
from eval.judge.access.public_address import PublicAddress, host_of
from eval.judge.access.server import listen, load_gradio, run_until_signalled
from eval.judge.page.app import copied_application
from eval.judge.page.copy_status import CopyStatus
from eval.judge.page.judging_state import JudgingState
from eval.judge.store.file_watch import watched
from eval.release.hub.sync import Sync
from eval.release.hub.upload import client
from eval.release.hub.verify_upload import TIMEOUT
from eval.release.space.fetch import FetchedRun, fetch, settings
from eval.release.space.layout import ACCOUNTS, SECRET_PLACE, SECRET_TOKEN, Settings
from eval.release.space.lease import Lease
from eval.release.space.store import Store
from eval.release.space.stranded import strand
from eval.release.space.waiting import BROKEN, BUSY, STARTING, Waiting, waiting

#: The origin whose pages show a Space in a frame.
HUB = "https://huggingface.co"
PORT = 7860
_AGAIN = "it is tried again in a moment"


@dataclass(frozen=True)
class SpaceEnvironment:
    """Where a Space finds itself. `kept`: its disk outlasts it. `hosts`: how browsers call it, the first one first."""

    store: Store
    reports: Path
    kept: bool
    hosts: tuple[str, ...]
    port: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> SpaceEnvironment:
        """From a Space's environment. Raises ReleaseError where a secret is missing."""
        repo, _, run = environment.get(SECRET_PLACE, "").rpartition("/")
        if not repo or not run or not environment.get(SECRET_TOKEN):
            raise ReleaseError(f"the secrets {SECRET_PLACE} and {SECRET_TOKEN} are missing: publish the Space again")
        # Where whatever asks the Hub looks for it.
        os.environ["HF_TOKEN"] = environment[SECRET_TOKEN]
        volume = Path(environment.get("BLINDSIDE_VOLUME") or "/data")
        kept = volume.is_dir() and os.access(volume, os.W_OK)
        disk = volume if kept else Path(tempfile.gettempdir())
        hosts = tuple(host for part in environment.get("SPACE_HOST", "").split(",") if (host := part.strip()))
        port = int(environment.get("GRADIO_SERVER_PORT") or PORT)
        return cls(Store(_api(), repo, run, _AGAIN), disk / "blindside", kept, hosts, port)

    def front(self) -> PublicAddress:
        """The Space's names, under TLS whatever its proxy says, in a frame of the Hub alone."""
        front = PublicAddress.of("0.0.0.0")
        for host in self.hosts:
            front.tunnel(f"https://{host_of(host)[0]}")
        front.framed_by = HUB
        return front


def _api() -> HfApi:
    get_session().timeout = TIMEOUT
    return client()


def main() -> None:
    """Serve until SIGTERM. What stops it is one sentence on the console, and exit status 1."""
    console.guard()
    try:
        load_gradio()
        serve(SpaceEnvironment.of(os.environ))
    except BlindsideError as error:
        console.tell(f"blindside: {error}")
        sys.exit(1)


def serve(place: SpaceEnvironment) -> None:
    """Serve the run, again and again where another server takes it, until SIGTERM. Raises BlindsideError."""
    front = place.front()
    with listen("0.0.0.0", place.port, console.say) as sock:
        if sock.getsockname()[1] != place.port:
            raise BlindsideError(
                f"port {place.port}, at which the Space is asked, is taken: stop the program that uses it"
            )
        while True:
            with waiting(sock, front) as page:
                server = _begun(place, page)
            if not server.serve(sock, front):
                return


def _begun(place: SpaceEnvironment, page: Waiting) -> Server:
    """The server that alone has the run, on this disk; waits for as long as that takes."""
    reported = ""
    lease: Lease | None = None
    while True:
        try:
            wanted = settings(place.store)
            if lease is None:
                taking = Lease(place.store, wanted.every)
                taking.take(lambda: setattr(page, "sentence", BUSY))
                lease = taking
            page.sentence = STARTING
            return Server(place, wanted, lease, fetch(place.store, place.reports))
        except BlindsideError as error:
            page.sentence = BROKEN
            if str(error) != reported:
                console.tell(f"not served yet: {error}")
            reported = str(error)
            time.sleep(5)


class Server:
    """One run on this disk, held by `lease`."""

    def __init__(self, place: SpaceEnvironment, wanted: Settings, lease: Lease, fetched: FetchedRun) -> None:
        run = fetched.run
        self._place, self._wanted, self._lease, self._run = place, wanted, lease, run
        self._judging = JudgingState(run)
        self._accounts, self._oauth = self._door()
        self._sync = Sync(run, place.store.repo, minutes=wanted.every / 60, say=console.say, may=lease.check)
        self._sync.begin_with(fetched.tables, fetched.at)

    def serve(self, sock: socket.socket, front: PublicAddress) -> bool:
        """Serve until SIGTERM (False), or until another server took over (True). Raises InputError."""
        app = copied_application(
            self._judging, self._accounts, front, oauth=self._oauth, copies=self.copies, say=console.say
        )
        with watched(self._judging.ledger), self._sync, self._lease.kept(_end):
            run_until_signalled(app, sock.dup(), self._ready)
        if self._lease.lost.is_set():
            if self._place.kept:  # the other server continues in this very folder
                return True
            strand(self._run, self._place.store, self._sync, self._lease.id, console.say)
            return True
        self._lease.release()
        return False

    def copies(self) -> CopyStatus:
        at = self._sync.copied_at
        rows = sum(_rows(self._sync.waiting(name)) for name in ("verdicts.csv", "thumbs.csv"))
        time = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") if at else ""
        return CopyStatus(time, rows, self._wanted.every, self._place.kept)

    def _door(self) -> tuple[Accounts | HubAccounts, HubOAuth | None]:
        if not self._wanted.by_hub:
            return Accounts(self._run.folder / ACCOUNTS), None
        oauth = HubOAuth.of(os.environ, self._place.hosts[0] if self._place.hosts else "localhost")
        return HubAccounts(self._wanted.users, self._wanted.orgs), oauth

    def _ready(self) -> None:
        disk = "on the volume" if self._place.kept else "on the Space's own disk, which is lost when it ends"
        console.say(f"Judge at port {self._place.port}; verdicts are {disk}, copied every {self._wanted.every:g} s")


def _end() -> None:
    """As a signal would."""
    os.kill(os.getpid(), signal.SIGTERM)


def _rows(data: bytes) -> int:
    """Records of a piece of CSV; a header counts as none."""
    rows = [row for row in csv.reader(StringIO(data.decode("utf-8", "replace"), newline="\n")) if row]
    return sum(row[0] != "verdict_id" for row in rows)
