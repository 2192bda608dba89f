"""Copies of the verdicts on the Hub, made while people judge: a disk may break before anybody has published anything.

Like huggingface_hub's CommitScheduler, which commits an append-only folder every few minutes, but for two things:
starting without a network must not keep people from judging, and no half-written row may go out. The copies name the
reviewers, so the repository must be private.
"""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils._http import get_session, hf_raise_for_status

from eval.errors import ReleaseError
from eval.journal import whole_csv_rows
from eval.release.hub import client
from eval.release.hub_errors import in_words, repo_name
from eval.release.readback import TIMEOUT
from eval.run import Run

_log = logging.getLogger(__name__)
MINUTES = 5.0
#: What a run's verdicts are made of. Answers and prompts are made again by asking the servers.
FILES = ("verdicts.csv", "thumbs.csv", "study.json", "run.json", "gate.yml")


class Sync:
    """While it is entered, what changed goes to the data set repository `repo` every `minutes`, below the run's name.

    What fails is said once by `say`, tried again, and never raised. Leaving it makes a last copy.
    """

    def __init__(
        self, run: Run, repo: str, *, minutes: float = MINUTES, say: Callable[[str], None] = _log.warning
    ) -> None:
        """Raises ReleaseError where `repo` cannot name a repository."""
        repo_name(repo)
        self._run, self._repo, self._seconds, self._say = run, repo, minutes * 60, say
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

        Raises ReleaseError where the Hub does not take it, OSError where a file cannot be read.
        """
        files = {name: data for name in FILES if (data := snapshot(self._run.folder / name))}
        changed = {name: data for name, data in files.items() if self._sent.get(name) != data}
        if not changed:
            return None
        api = client()
        with in_words(api, self._repo, again=f"it is tried again in {self._seconds / 60:g} minutes"):
            repo = api.create_repo(self._repo, repo_type="dataset", private=True, exist_ok=True).repo_id
            if not api.dataset_info(repo).private:
                raise ReleaseError(f"{repo} is public, and verdicts name their reviewers: make it private on the Hub")
            self._refuse_to_lose(api, repo, changed)
            additions = [
                CommitOperationAdd(path_in_repo=f"{self._run.name}/{name}", path_or_fileobj=data)
                for name, data in changed.items()
            ]
            commit = api.create_commit(
                repo, additions, commit_message=f"Verdicts of {self._run.name}", repo_type="dataset"
            )
        self._sent |= changed
        return str(commit.oid)

    def _refuse_to_lose(self, api: HfApi, repo: str, changed: Mapping[str, bytes]) -> None:
        """Rows are only ever added: a copy that holds others is somebody's, or what a broken disk has lost."""
        for name in (name for name in changed if name.endswith(".csv") and name not in self._sent):
            if not changed[name].startswith(download(api, repo, f"{self._run.name}/{name}")):
                raise ReleaseError(
                    f"{repo} holds rows of {self._run.name}/{name} that are not in this file: restore them from there, "
                    "or copy to another repository"
                )

    def _work(self) -> None:
        while True:
            self._try()
            if self._ending.wait(self._seconds):
                return

    def _try(self) -> None:
        """A copy that fails is told, once for as long as it fails in the same way."""
        try:
            self.push()
        except (ReleaseError, OSError) as error:
            if str(error) != self._told:
                self._say(f"the verdicts are on this disk alone: {error}")
            self._told = str(error)
            return
        if self._told:
            self._say(f"the verdicts are copied to {self._repo} again")
        self._told = ""


def download(api: HfApi, repo: str, path: str) -> bytes:
    """A file of a data set repository as it is now; nothing where there is none."""
    url = hf_hub_url(repo, path, repo_type="dataset", endpoint=api.endpoint)
    try:
        response = get_session().get(url, headers=build_hf_headers(token=api.token), timeout=TIMEOUT)
        hf_raise_for_status(response)
    except EntryNotFoundError:
        return b""
    return response.content


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
