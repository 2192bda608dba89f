"""Publishes a run as a Space: first the run into its private repository, then the code into the Space's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, Volume
from huggingface_hub.errors import EntryNotFoundError

from eval.errors import ReleaseError
from eval.judge.setup.begin import begin_judging, refuse_candidate
from eval.judge.study.study import Study
from eval.release.hub.hub_errors import as_release_errors, repo_name
from eval.release.hub.sync import snapshot
from eval.release.hub.upload import client
from eval.release.hub.verify_upload import opened
from eval.release.space.layout import (
    ACCOUNTS,
    FIXED,
    RUN,
    SECRET_PLACE,
    SECRET_TOKEN,
    SETTINGS,
    TABLES,
    DeployedSpace,
    Settings,
    write_deployed,
)
from eval.release.space.repository import MARK, files
from eval.release.space.store import AGAIN, RevisionMoved, Store
from eval.release.space.tables import continuation, parted_at
from eval.run import Run, open_run
from eval.run_info import RunInfo

#: The Space's token, if it is not the publisher's own.
TOKEN_VARIABLE = "BLINDSIDE_SPACE_TOKEN"
VOLUME_AT = "/data"


@dataclass(frozen=True)
class SpacePlan:
    """A Space to be made: `space` and `data` are repositories (owner/name), `accounts` the file of logins, `bucket`
    a storage bucket for /data."""

    space: str
    data: str
    settings: Settings = field(default_factory=Settings)
    accounts: Path | None = None
    private: bool = False
    bucket: str = ""


def publish(run: Run, study: Study | None, wanted: SpacePlan, say: Callable[[str], None]) -> DeployedSpace:
    """Make the Space, or bring it up to date. Raises ReleaseError, and InputError where the run cannot be judged.

    Rows that were judged there are never overwritten; what judging goes by is fixed once there are some.
    """
    for repo in (wanted.space, wanted.data):
        repo_name(repo)
    refuse_candidate(run)
    begin_judging(run, study)
    run = open_run(run.folder.parent, run.name)
    api = client()
    with as_release_errors(api, wanted.data, again=AGAIN):
        data = api.create_repo(wanted.data, repo_type="dataset", private=True, exist_ok=True).repo_id
    _put_run(Store(api, data, run.name), run, wanted)
    say(f"{data} (private) holds the run")
    with as_release_errors(api, wanted.space, again=AGAIN):
        space = _put_space(api, wanted, f"{data}/{run.name}")
    say(f"{space} holds the page, and nothing of the run")
    deployed = DeployedSpace(space=space, data=data)
    write_deployed(run.folder, deployed)
    return deployed


def space_token() -> str:
    """What the Space opens the run with: a token of its own, or that of whoever publishes."""
    return os.environ.get(TOKEN_VARIABLE) or str(client().token)


def stop(deployed: DeployedSpace) -> None:
    """Pause the Space. Raises ReleaseError."""
    api = client()
    with as_release_errors(api, deployed.space, again=AGAIN):
        api.pause_space(deployed.space)


def _put_run(store: Store, run: Run, wanted: SpacePlan) -> None:
    while True:
        revision = store.head()
        added = {
            **_fixed(store, revision, run),
            **_rows(store, revision, run),
            SETTINGS: wanted.settings.model_dump_json(indent=2).encode(),
            **({ACCOUNTS: wanted.accounts.read_bytes()} if wanted.accounts else {}),
        }
        try:
            store.commit(added, revision, f"The run {run.name}")
        except RevisionMoved:
            continue
        return


def _fixed(store: Store, revision: str, run: Run) -> dict[str, bytes]:
    """What judging goes by. Once there are verdicts there, it must be what they were given by."""
    ours = {name: data for name in (RUN, *FIXED) if (data := _bytes(run.folder / name))}
    remote = store.read(RUN, revision)
    if remote and RunInfo.model_validate_json(remote).identity() != run.info.identity():
        raise ReleaseError(f"{store.repo} holds another comparison that is called {run.name}: take another --data")
    if remote and any(store.read(name, revision) for name in TABLES[:2]):
        changed = [name for name in FIXED if not _goes_on(ours.get(name, b""), store.read(name, revision))]
        if changed:
            raise ReleaseError(
                f"{changed[0]} is not what the verdicts in {store.repo} were given by: restore it, "
                "or publish a run of another name"
            )
    return ours


def _goes_on(ours: bytes, theirs: bytes) -> bool:
    return ours.startswith(theirs)


def _rows(store: Store, revision: str, run: Run) -> dict[str, bytes]:
    """Tables that go on from those on the Hub; others stay as they are there."""
    found = {}
    for name in TABLES:
        ours, theirs = snapshot(run.folder / name), store.read(name, revision)
        if continuation(ours, theirs) is None:
            raise ReleaseError(
                f"{run.folder / name} and the copy in {store.repo} differ from line {parted_at(ours, theirs)} on, and "
                "nothing was changed: judge in one place"
            )
        if ours and len(ours) > len(theirs):
            found[name] = ours
    return found


def _put_space(api: HfApi, wanted: SpacePlan, place: str) -> str:
    secrets = {SECRET_PLACE: place, SECRET_TOKEN: space_token()}
    volumes = [Volume(type="bucket", source=wanted.bucket, mount_path=VOLUME_AT)] if wanted.bucket else None
    space = api.create_repo(
        wanted.space,
        repo_type="space",
        space_sdk="gradio",
        private=wanted.private or None,
        exist_ok=True,
        space_secrets=[{"key": key, "value": value} for key, value in secrets.items()],
        space_volumes=volumes,
    ).repo_id
    remote = _app(api, space)
    if remote and not remote.startswith(MARK.encode()):
        raise ReleaseError(f"the Space {space} is another application: take another --repo, nothing was changed")
    for key, value in secrets.items():
        api.add_space_secret(space, key, value)
    if volumes:
        api.set_space_volumes(space, volumes)
    _commit(api, space, files(wanted.settings))
    if api.get_space_runtime(space).stage in ("PAUSED", "STOPPED", "RUNTIME_ERROR", "BUILD_ERROR"):
        api.restart_space(space)
    return str(space)


def _commit(api: HfApi, space: str, added: Mapping[str, bytes]) -> None:
    info = api.space_info(space)
    remote = {file.rfilename for file in info.siblings or ()}
    old = [name for name in remote if name.startswith("blindside-") and name.endswith(".whl") and name not in added]
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        *(CommitOperationAdd(path, data) for path, data in added.items()),
        *(CommitOperationDelete(path) for path in old),
    ]
    api.create_commit(space, operations, commit_message="The judging page", repo_type="space", parent_commit=info.sha)


def _app(api: HfApi, space: str) -> bytes:
    try:
        with opened(api, space, "app.py", repo_type="space") as response:
            return response.read()
    except EntryNotFoundError:
        return b""


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
