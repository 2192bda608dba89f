"""Uploads a bundle in one commit, resumable by file, then compares every hash with what was sent.

One commit, because a release that broke off must not leave half a model where people load it from. Files of Git LFS go
first, one by one; the Hub keeps them by hash, so the same command continues where it broke off. (`upload_large_folder`
commits bit by bit, knows no pull requests, and tries for ever where a token may not write.)
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi, get_session, get_token
from huggingface_hub.hf_api import RepoFile

from blindside.addresses import without_secrets
from blindside.hub.http_library import http
from eval.errors import ReleaseError
from eval.release.hub.bundle import Bundle, ReleaseFile
from eval.release.hub.hub_errors import as_release_errors
from eval.release.hub.verify_upload import differs, listed

Say = Callable[[str], None]
#: What a loader could take for the model beside what was judged.
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx", ".safetensors.index.json")


@dataclass(frozen=True)
class Uploaded:
    """A commit that holds a release. `revision` is where to read it: the commit, or the pull request's reference."""

    repo: str
    url: str
    commit: str
    revision: str
    pull_request: str | None


def client() -> HfApi:
    """A client of the Hub (at HF_ENDPOINT, where that is set), with the token that huggingface_hub finds.

    That is HF_TOKEN, or what `hf auth login` saved. Raises ReleaseError where there is none, and where the
    environment names a proxy that the client cannot use.
    """
    token = get_token()
    if not token:
        raise ReleaseError("no token for the Hub: log in with `hf auth login`, or set HF_TOKEN")
    try:
        get_session()
    except (ImportError, ValueError, http.InvalidURL) as error:
        # A SOCKS proxy takes a package that is not installed.
        raise ReleaseError(f"the proxy can't be used ({error}): correct ALL_PROXY, HTTPS_PROXY, HTTP_PROXY") from None
    return HfApi(token=token)


def upload(
    api: HfApi, bundle: Bundle, repo: str, *, private: bool, create_pr: bool, message: str, say: Say
) -> Uploaded:
    """Upload `bundle` to `repo`, which is made where it is missing. Raises ReleaseError, and then nothing is visible.

    A repository that holds other weights is only changed by a pull request, which then takes them away.
    """
    with as_release_errors(api, repo):
        repo = api.create_repo(repo, private=private or None, exist_ok=True).repo_id
        info = api.model_info(repo)
        if private and not info.private:
            raise ReleaseError(f"{repo} exists and is public: make it private on the Hub first, or leave out --private")
        remote = listed(api, repo, "main")
        others = _other_weights(remote, bundle.files)
        if others and not create_pr:
            raise ReleaseError(
                f"{repo} holds other weights ({', '.join(others[:3])}): release under another name, "
                "or propose the change with --create-pr"
            )
        additions = _send(api, repo, bundle.files, create_pr=create_pr, say=say)
        replaced = {file.path for file in bundle.files}
        deletions = [CommitOperationDelete(path) for path in others if path not in replaced]
        commit = _commit(api, repo, [*additions, *deletions], message, info.sha, create_pr=create_pr, say=say)
    revision = commit.pr_revision or commit.oid
    return Uploaded(repo, f"{without_secrets(api.endpoint)}/{repo}", commit.oid, revision, commit.pr_url)


def _other_weights(remote: Mapping[str, RepoFile], files: Sequence[ReleaseFile]) -> list[str]:
    """Paths of weights on the Hub that are not, byte for byte, among `files`."""
    ours = {file.path: file for file in files}
    weights = [path for path in remote if path.endswith(_WEIGHTS) and "/" not in path]
    return [path for path in weights if path not in ours or differs(ours[path], remote[path])]


def _send(
    api: HfApi, repo: str, files: Sequence[ReleaseFile], *, create_pr: bool, say: Say
) -> list[CommitOperationAdd]:
    """Bring the files of Git LFS to the Hub's storage, each as soon as the one before is there; none is visible yet."""
    additions = []
    for number, file in enumerate(files, 1):
        say(f"{number} of {len(files)}: {file.path} ({size(file.size)})")
        addition = CommitOperationAdd(path_in_repo=file.path, path_or_fileobj=file.source)
        if addition.upload_info.sha256.hex() != file.sha256:
            raise ReleaseError(f"{file.source} changed while it was being released: nothing is visible, start again")
        api.preupload_lfs_files(repo, [addition], create_pr=create_pr, free_memory=False)
        additions.append(addition)
    return additions


def _commit(
    api: HfApi,
    repo: str,
    operations: Sequence[CommitOperationAdd | CommitOperationDelete],
    message: str,
    parent: str | None,
    *,
    create_pr: bool,
    say: Say,
) -> CommitInfo:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        commit = api.create_commit(repo, operations, commit_message=message, parent_commit=parent, create_pr=create_pr)
    for warning in caught:
        say(str(warning.message))
    return commit


def size(count: int) -> str:
    """Bytes as people read them: 812 B, 5.4 MB, in powers of 1,000 as the Hub shows them."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
