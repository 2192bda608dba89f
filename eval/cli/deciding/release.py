"""`blindside release`: the tuned model and its evidence to the Hub."""

from __future__ import annotations

from typing import Annotated

import typer

from blindside import console
from eval.cli.options import REPORTS, Reports, RunArgument


def release(
    run: RunArgument = "",
    repo: Annotated[str, typer.Option(help="Target repository: owner/name on the Hub.")] = "",
    private: Annotated[bool, typer.Option("--private", help="Make the repository private.")] = False,
    create_pr: Annotated[bool, typer.Option("--create-pr", help="Open a pull request instead of committing.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the files, sizes and the card; upload nothing.")
    ] = False,
    comments: Annotated[bool, typer.Option("--comments", help="Publish reviewers' comments too.")] = False,
    reports: Reports = REPORTS,
) -> None:
    """Upload a run's tuned model with its card and evidence, if the gate decided release, then verify the upload.

    Run it again after a failure to continue. Uses the token of `hf auth login`, or HF_TOKEN.
    Example: `blindside release tiny-1a2b3c4d --repo me/tiny-brief --dry-run`
    """
    from eval.errors import InputError
    from eval.release.hub.release import release as publish
    from eval.run import open_run

    if not repo:
        raise InputError("no repository is given: name one with --repo owner/name")
    opened = open_run(reports, run)
    publish(opened, repo, private=private, create_pr=create_pr, dry_run=dry_run, comments=comments, say=console.say)


def register(app: typer.Typer) -> None:
    app.command()(release)
