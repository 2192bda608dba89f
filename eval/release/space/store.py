"""A run's private data set repository: read at one revision, written on top of that revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError

from eval.errors import ReleaseError
from eval.release.hub.hub_errors import as_release_errors
from eval.release.hub.sync import download
from eval.release.hub.verify_upload import TIMEOUT

AGAIN = "run the command again"


class RevisionMoved(Exception):
    """Somebody else committed since the revision that was read: read it again."""


@dataclass(frozen=True)
class Store:
    """The folder `run` of the data set repository `repo`. Every method raises ReleaseError where the Hub refuses."""

    api: HfApi
    repo: str
    run: str
    again: str = AGAIN

    def head(self) -> str:
        """The newest revision. A repository that anybody can read is refused."""
        with as_release_errors(self.api, self.repo, again=self.again):
            info = self.api.dataset_info(self.repo, timeout=TIMEOUT)
        if not info.private:
            raise ReleaseError(f"{self.repo} is public, and the run would be too: make it private on the Hub")
        return str(info.sha)

    def read(self, name: str, revision: str) -> bytes:
        """A file of the run; nothing where there is none."""
        with as_release_errors(self.api, self.repo, again=self.again):
            return download(self.api, self.repo, f"{self.run}/{name}", revision)

    def commit(self, files: Mapping[str, bytes], revision: str, message: str) -> str:
        """The commit that holds `files`, upon `revision`. Raises Moved where that is no longer the newest."""
        adds = [CommitOperationAdd(f"{self.run}/{name}", data) for name, data in files.items()]
        with as_release_errors(self.api, self.repo, again=self.again):
            try:
                done = self.api.create_commit(
                    self.repo, adds, commit_message=message, repo_type="dataset", parent_commit=revision
                )
            except HfHubHTTPError as error:
                if error.response.status_code == 412:
                    raise RevisionMoved from None
                raise
        return str(done.oid)

    def names(self, folder: str, revision: str) -> list[str]:
        """Paths of the files below a folder of the run."""
        with as_release_errors(self.api, self.repo, again=self.again):
            names = self.api.list_repo_files(self.repo, repo_type="dataset", revision=revision)
        return [path for path in names if path.startswith(f"{self.run}/{folder}/")]
