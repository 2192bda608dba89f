"""Compares what the Hub holds after an upload with what was sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi, get_session, hf_hub_url, hf_raise_for_status
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers

from blindside.hub.http_library import http
from eval.errors import ReleaseError
from eval.release.hub.bundle import ReleaseFile
from eval.release.hub.hub_errors import as_release_errors

#: Files up to this size are downloaded again; of larger ones the Hub's own sha256 is compared. In bytes.
SMALL = 10 * 1000**2
TIMEOUT = 60.0


def listed(api: HfApi, repo: str, revision: str) -> dict[str, RepoFile]:
    """The files of a revision by their paths."""
    remote = api.list_repo_tree(repo, recursive=True, revision=revision)
    return {file.path: file for file in remote if isinstance(file, RepoFile)}


def read_back(api: HfApi, repo: str, revision: str, files: Sequence[ReleaseFile], say: Callable[[str], None]) -> int:
    """Compare every file of a release with what the Hub has; the number of those that were downloaded again.

    Raises ReleaseError that names the files which are missing or differ.
    """
    with as_release_errors(api, repo):
        remote = listed(api, repo, revision)
        wrong = [line for file in files if (line := differs(file, remote.get(file.path)))]
        small = [file for file in files if file.size <= SMALL and file.path in remote]
        wrong += [
            f"{file.path} comes back with other bytes"
            for file in small
            if _download(api, repo, revision, file) != file.sha256
        ]
    if wrong:
        raise ReleaseError(
            f"{repo} does not hold what was sent: {'; '.join(dict.fromkeys(wrong))}: don't use it, and "
            "run the command again"
        )
    beside = sorted(set(remote) - {file.path for file in files} - {".gitattributes"})
    if beside:
        say(f"{repo} also holds what is not of this release: {', '.join(beside[:10])}")
    return len(small)


def differs(file: ReleaseFile, remote: RepoFile | None) -> str | None:
    """What is wrong by the Hub's own list: sha256 of a file of Git LFS, git's own hash of any other."""
    if remote is None:
        return f"{file.path} is missing"
    if remote.size != file.size:
        return f"{file.path} has {remote.size:,} bytes instead of {file.size:,}"
    same = remote.lfs.sha256 == file.sha256 if remote.lfs else remote.blob_id == git_hash(file.source)
    return None if same else f"{file.path} has another hash"


def git_hash(path: Path) -> str:
    """Hex sha1 by which git knows a file's content."""
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@contextmanager
def opened(
    api: HfApi, repo: str, path: str, *, revision: str | None = None, repo_type: str = "model"
) -> Iterator[http.Response]:
    """A file as the Hub sends it to whoever loads it. Raises HfHubHTTPError or http.HTTPError where it does not."""
    url = hf_hub_url(repo, path, repo_type=repo_type, revision=revision, endpoint=api.endpoint)
    headers = build_hf_headers(token=api.token)
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT) as response:
        hf_raise_for_status(response)
        yield response


def _download(api: HfApi, repo: str, revision: str, file: ReleaseFile) -> str:
    """Hex sha256 of what comes back."""
    found = hashlib.sha256()
    with opened(api, repo, file.path, revision=revision) as response:
        for piece in response.iter_bytes(2**20):
            found.update(piece)
    return found.hexdigest()
