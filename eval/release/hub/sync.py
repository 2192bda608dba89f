"""Copies verdicts to the Hub while people judge, in case the disk fails.

Like huggingface_hub's CommitScheduler, which commits an append-only folder every few minutes, but for two things:
starting without a network must not keep people from judging, and no half-written row may go out. The copies name the
reviewers, so the repository must be private.
"""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

from huggingface_hub import CommitOperationAdd, HfApi, get_session
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
from pydantic import ValidationError

from blindside.words import counted
from eval.errors import ReleaseError
from eval.journal import whole_csv_rows
from eval.release.hub.hub_errors import as_release_errors, repo_name
from eval.release.hub.upload import client
from eval.release.hub.verify_upload import TIMEOUT, opened
from eval.run import Run
from eval.run_info import RunInfo

_log = logging.getLogger(__name__)
MINUTES = 5.0
#: What a run's verdicts are made of. Answers and prompts are made again by asking the servers.
#: Nothing else goes out: `.blinding.key` and `.pseudonyms.key` lie beside them.
TABLES = ("verdicts.csv", "thumbs.csv", "skips.csv", "flags.csv")
FILES = (*TABLES, "study.json", "plan.json", "asked.json", "run.json", "gate.yml")
#: How often a commit is tried again at once after somebody else's came in between.
RACES = 3
#: Copies of one process, which are of several runs where a sweep is judged, never come in between each other's.
_ALONE = threading.Lock()


class Sync:
    """While it is entered, what changed goes to the data set repository `repo` every `minutes`, below the run's name.

    What fails is said once by `say`, tried again, and never raised. Leaving it makes a last copy. `may` is asked before
    each commit, with the revision upon which it is made, and may raise ReleaseError.
    """

    def __init__(
        self,
        run: Run,
        repo: str,
        *,
        minutes: float = MINUTES,
        say: Callable[[str], None] = _log.warning,
        may: Callable[[HfApi, str], None] | None = None,
    ) -> None:
        """Raises ReleaseError where `repo` cannot name a repository."""
        repo_name(repo)
        self._run, self._repo, self._seconds, self._say = run, repo, minutes * 60, say
        self._may = may
        #: Seconds since the epoch before which everything is copied; 0 where nothing was.
        self.copied_at = 0.0
        self._sent: dict[str, bytes] = {}
        self._told = ""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sync", daemon=True)

    def __enter__(self) -> Sync:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        self._try()

    def push(self) -> str | None:
        """Copy what changed since the last copy, now; the commit, or None where nothing did.

        Rows are only ever added: of a table, what the Hub holds must be the beginning of what is sent. Raises
        ReleaseError where it is not, or where the Hub does not take it, and OSError where a file cannot be read.
        """
        began = time.time()
        with _ALONE:
            commit = self._push() if self._changed() else None
        self.copied_at = began
        return commit

    def begin_with(self, tables: Mapping[str, bytes], at: float) -> None:
        """Take these for what the Hub held `at` (seconds since the epoch): only what is not in them is copied."""
        self._sent |= tables
        self.copied_at = at

    def waiting(self, name: str) -> bytes:
        """What of a table is on this disk and in no copy."""
        return snapshot(self._run.folder / name)[len(self._sent.get(name, b"")) :]

    def _push(self) -> str | None:
        api = client()
        # By itself the client waits for ever, and whoever ends judging would wait with it.
        get_session().timeout = TIMEOUT
        with as_release_errors(api, self._repo, again=f"it is tried again in {self._seconds / 60:g} minutes"):
            repo = api.create_repo(self._repo, repo_type="dataset", private=True, exist_ok=True).repo_id
            for _ in range(RACES):
                try:
                    return self._commit(api, repo)
                except HfHubHTTPError as error:
                    if error.response.status_code != 412:
                        raise
            return self._commit(api, repo)

    def _changed(self) -> dict[str, bytes]:
        """Files that are not what was sent last. A table that is gone is an empty one; of others nothing is sent."""
        files = {name: snapshot(self._run.folder / name) for name in FILES}
        return {
            name: data
            for name, data in files.items()
            if data != self._sent.get(name) and (data or name.endswith(".csv"))
        }

    def _commit(self, api: HfApi, repo: str) -> str | None:
        """One commit upon the revision that was compared, so that nothing can come in between."""
        info = api.dataset_info(repo, timeout=TIMEOUT)
        if not info.private:
            raise ReleaseError(f"{repo} is public, and verdicts name their reviewers: make it private on the Hub")
        if self._may is not None:
            self._may(api, str(info.sha))
        # Read after the revision is known: another server on this run may have appended and copied until then.
        changed = self._changed()
        remote = {name: download(api, repo, f"{self._run.name}/{name}", info.sha) for name in changed}
        self._refuse_to_lose(repo, remote, changed)
        additions = [
            CommitOperationAdd(path_in_repo=f"{self._run.name}/{name}", path_or_fileobj=data)
            for name, data in changed.items()
            if data
        ]
        message = f"Verdicts of {self._run.name}"
        commit = api.create_commit(repo, additions, commit_message=message, repo_type="dataset", parent_commit=info.sha)
        self._sent |= changed
        return str(commit.oid)

    def _refuse_to_lose(self, repo: str, remote: Mapping[str, bytes], changed: Mapping[str, bytes]) -> None:
        name, folder = self._run.name, self._run.folder
        if "run.json" in changed and "run.json" not in self._sent and not self._is_ours(remote["run.json"]):
            raise ReleaseError(
                f"{repo} holds another comparison that is called {name}: copy to another repository, "
                "nothing was overwritten"
            )
        for file in (file for file in changed if file.endswith(".csv")):
            if what := lost(changed[file], remote[file]):
                raise ReleaseError(
                    f"{folder / file} {what} in {repo}, and nothing was overwritten: put that one back by "
                    f"`hf download {repo} {name}/{file} --repo-type dataset --local-dir {folder.parent}`, "
                    "or copy to another repository"
                )

    def _is_ours(self, data: bytes) -> bool:
        """Whether a run.json is this run's; times and counts in it may be others."""
        try:
            return not data or RunInfo.model_validate_json(data).identity() == self._run.info.identity()
        except ValidationError:
            return False

    def _work(self) -> None:
        while True:
            self._try()
            if self._ending.wait(self._seconds):
                return

    def _try(self) -> None:
        """A copy that fails is reported, once for as long as it fails in the same way."""
        try:
            self.push()
        except (ReleaseError, OSError) as error:
            if str(error) != self._told:
                self._say(f"new verdicts are not copied: {error}")
            self._told = str(error)
            return
        if self._told:
            self._say(f"the verdicts are copied to {self._repo} again")
        self._told = ""


@contextmanager
def synced(runs: Iterable[Run], repo: str, say: Callable[[str], None] = _log.warning) -> Iterator[None]:
    """`Sync` of each of these runs into one repository, below its own name. Raises ReleaseError as Sync does."""
    with ExitStack() as stack:
        for run in runs:
            stack.enter_context(Sync(run, repo, say=say))
        yield


def download(api: HfApi, repo: str, path: str, revision: str | None) -> bytes:
    """A file of a data set repository; nothing where there is none."""
    try:
        with opened(api, repo, path, revision=revision, repo_type="dataset") as response:
            return response.read()
    except EntryNotFoundError:
        return b""


def lost(ours: bytes, theirs: bytes) -> str:
    """What a copy `theirs` would lose if `ours` took its place; empty where it is the beginning of `ours`."""
    if ours.startswith(theirs):
        return ""
    if theirs.startswith(ours):
        more = len(theirs[len(ours) :].strip(b"\n").split(b"\n"))
        return f"lacks the last {counted(more, 'line')} of the copy"
    pairs = zip(ours.split(b"\n"), theirs.split(b"\n"), strict=False)
    line = next(number for number, (one, other) in enumerate(pairs, start=1) if one != other)
    return f"differs from line {line} on from the copy"


def snapshot(path: Path) -> bytes:
    """The whole rows of a file that others append to, as they are between two appends; nothing where it is missing."""
    try:
        with path.open("rb") as file:
            # The store writes under an exclusive lock on this very file.
            fcntl.flock(file, fcntl.LOCK_SH)
            data = file.read()
    except FileNotFoundError:
        return b""
    return data[: whole_csv_rows(data)] if path.suffix == ".csv" else data
