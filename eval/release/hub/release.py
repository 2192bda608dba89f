"""`blindside release`: upload a model that people preferred, with its evidence, and nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from blindside import console
from blindside.words import counted
from eval.errors import ReleaseError, StaleInputs
from eval.release.gate.decision import Decision, read_decision
from eval.release.gate.stale import changed_inputs
from eval.release.hub.bundle import Bundle, ReleaseFile, build_bundle, model_folder
from eval.release.hub.hub_errors import repo_name
from eval.release.hub.upload import client, size, upload
from eval.release.hub.verify_upload import read_back
from eval.run import Run

Say = Callable[[str], None]


@dataclass(frozen=True)
class Released:
    """What was done. `commit` and `url` are empty and `checked` is 0 after a dry run."""

    repo: str
    files: tuple[ReleaseFile, ...]
    card: str
    dry_run: bool
    url: str = ""
    commit: str = ""
    pull_request: str | None = None
    #: Files whose hashes were compared with the Hub's, and how many of them were downloaded again.
    checked: int = 0
    downloaded: int = 0


def release(
    run: Run,
    repo: str,
    *,
    private: bool = False,
    create_pr: bool = False,
    dry_run: bool = False,
    comments: bool = False,
    say: Say = console.say,
) -> Released:
    """Upload the tuned model of `run` with card and evidence to `repo` (owner/name), and read it back.

    A dry run tells the exact files, sizes and the card, and uploads nothing; where the decision is not to release it
    says so first, and raises when all is reported. `comments` publishes what reviewers wrote.
    HF_ENDPOINT says where the Hub is. Raises InputError where there is no decision, ReleaseError where it is not to
    release or the Hub does not take it, StaleInputs where something is no longer what was judged.
    """
    repo_name(repo)
    decision = _read(run)
    refusal = _refusal(run, decision)
    if refusal:
        if not dry_run:
            raise refusal
        say(f"NOT TO BE RELEASED: {refusal}")
    _check_bound(run, decision)
    api = None if dry_run else client()
    with tempfile.TemporaryDirectory(prefix="blindside-release-") as staging:
        bundle = build_bundle(run, decision, repo, Path(staging), comments=comments)
        _tell(bundle, repo, say)
        if api is None:
            for line in bundle.card.splitlines():
                say(line)
            say("dry run: nothing was uploaded")
            if refusal:
                raise refusal
            return Released(repo, bundle.files, bundle.card, dry_run=True)
        message = f"Release {run.name}, judged by people"
        done = upload(api, bundle, repo, private=private, create_pr=create_pr, message=message, say=say)
        downloaded = read_back(api, done.repo, done.revision, bundle.files, say)
    result = f"all {len(bundle.files)} files on the Hub are what was sent ({downloaded} of them downloaded again)"
    say(f"{done.pull_request or done.url}: {result}")
    return Released(
        done.repo,
        bundle.files,
        bundle.card,
        dry_run=False,
        url=done.url,
        commit=done.commit,
        pull_request=done.pull_request,
        checked=len(bundle.files),
        downloaded=downloaded,
    )


def _read(run: Run) -> Decision:
    decision = read_decision(run.folder)
    if decision.run != run.name:
        raise StaleInputs(f"the decision in {run.folder} is on run {decision.run}: decide again with `blindside gate`")
    return decision


def _refusal(run: Run, decision: Decision) -> ReleaseError | None:
    if decision.decision == "release":
        return None
    why = f" ({'; '.join(decision.reasons)})" if decision.reasons else ""
    return ReleaseError(f"run {run.name} is decided {decision.decision}, not release{why}: nothing was uploaded")


def _check_bound(run: Run, decision: Decision) -> None:
    model_folder(run)
    if lines := changed_inputs(run, decision):
        raise StaleInputs(f"{'; '.join(lines)}: restore it, or judge and decide again; nothing was uploaded")


def _tell(bundle: Bundle, repo: str, say: Say) -> None:
    width = max(len(size(file.size)) for file in bundle.files)
    say(f"{counted(len(bundle.files), 'file')}, {size(bundle.size)}, for {repo}:")
    for file in bundle.files:
        say(f"  {size(file.size):>{width}}  {file.path}")
    for note in bundle.notes:
        say(note)
