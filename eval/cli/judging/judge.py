"""`blindside judge`, `demo` and `reviewer`: the judging page, and who may log in to it."""

from __future__ import annotations

import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blindside import console
from eval.cli.options import (
    REPORTS,
    AllowHost,
    Browser,
    Cluster,
    GatePolicy,
    Host,
    Overlap,
    OverlapShare,
    Port,
    Reports,
    RootPath,
    RunArgument,
)
from eval.errors import InputError

if TYPE_CHECKING:
    from eval.judge.study.study import Study
    from eval.run import Run

SAMPLE = Path(__file__).resolve().parents[2] / "judge" / "sample"
Accounts = Annotated[Path, typer.Option("--auth", help="File of logins.")]
ACCOUNTS = Path("reviewers.csv")

reviewer_app = typer.Typer(help="Manage the reviewers' logins: add, passwd, remove, list.", no_args_is_help=True)


def judge(
    run: RunArgument = "",
    port: Port = 7860,
    host: Host = "127.0.0.1",
    allow_host: AllowHost = None,
    root_path: RootPath = "",
    study: Annotated[
        Path | None, typer.Option(help="YAML: criteria, tags, overlap, gold pairs (docs/judging.md).")
    ] = None,
    overlap: Overlap = None,
    overlap_share: OverlapShare = None,
    cluster: Cluster = "",
    mode: Annotated[
        str, typer.Option(help="compare; graded: how much better; or thumbs: up or down on one model's answers.")
    ] = "",
    side: Annotated[str, typer.Option(help="Whose answers get thumbs: tuned or base.")] = "",
    reviewer: Annotated[str, typer.Option(help="Your name; the page does not ask for it then.")] = "",
    auth: Annotated[
        Path | None, typer.Option(help="Require a login from this file (`blindside reviewer add`).")
    ] = None,
    share: Annotated[bool, typer.Option("--share", help="Give the page a public address; needs --auth.")] = False,
    policy: GatePolicy = None,
    sync: Annotated[str, typer.Option(help="Copy verdicts to this private data set repository while judging.")] = "",
    browser: Browser = True,
    reports: Reports = REPORTS,
) -> None:
    """Open the blind judging page on a run, or one page for all candidates of a sweep; verdicts go to verdicts.csv.

    Ctrl-C ends it.

    Example: `blindside judge tiny-1a2b3c4d --auth reviewers.csv --overlap 2 --overlap-share 0.2`
    """
    from eval.cli.sweep.judge import noted, open_sweep, racing
    from eval.judge.access.accounts import Accounts as Logins
    from eval.judge.access.public_address import PublicAddress
    from eval.judge.access.server import load_gradio
    from eval.judge.page.app import Serving, refuse_open_share, serve_state
    from eval.judge.page.judging_state import JudgingState
    from eval.judge.setup.begin import refuse_candidate
    from eval.policy import freeze_policy
    from eval.release.hub.sync import synced
    from eval.run import open_run
    from eval.sweep import is_sweep

    front = PublicAddress.of(host, allow_host or (), root_path)
    logins = Logins(auth) if auth is not None else None
    refuse_open_share(share, logins)
    how = Serving(port, host, browser, reviewer, logins, share, front)

    def asked(opened: Run) -> Study | None:
        return asked_study(opened.folder, study, overlap, overlap_share, cluster=cluster, mode=mode, side=side)

    if is_sweep(reports, run):
        found, runs = open_sweep(reports, run, policy)
        first = next(iter(runs.values()), None)
        wanted = asked(first) if first else None
        load_gradio()
        with synced(runs.values() if sync else (), sync, console.say):
            serve_state(lambda: racing(reports, found, runs, wanted), how, say=console.say)
        return
    opened = open_run(reports, run)
    refuse_candidate(opened)
    wanted = asked(opened)
    opened = freeze_policy(opened, policy)
    load_gradio()  # before anything asks the Hub: Gradio's import hides the proxy for a moment
    with synced([opened] if sync else (), sync, console.say):
        serve_state(lambda: nullcontext(noted(JudgingState(opened, wanted))), how, say=console.say)


def demo(
    port: Port = 7860,
    browser: Browser = True,
    reports: Reports = REPORTS,
) -> None:
    """Open the judging page on a sample run: answers of the project's own tiny models, nothing to train or serve.

    Example: `blindside demo`
    """
    from eval.judge.page.app import serve
    from eval.policy import freeze_policy
    from eval.run import open_run

    folder = reports / "demo"
    if not (folder / "run.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        # run.json comes last: its presence means that the run is complete.
        for name in ("prompts.jsonl", "responses.jsonl", "run.json"):
            shutil.copyfile(SAMPLE / name, folder / name)
        console.say(f"The sample run and its verdicts go to {folder.absolute()}")
    serve(freeze_policy(open_run(reports, "demo")), port=port, open_browser=browser, say=console.say)


@reviewer_app.command()
def add(name: Annotated[str, typer.Argument(help="The reviewer's name.")], auth: Accounts = ACCOUNTS) -> None:
    """Add a login; the password is asked for, or read from standard input.

    Example: `blindside reviewer add ann`
    """
    from eval.judge.access.accounts import add_account

    console.say(f"{add_account(auth, name, _password())} may log in now: blindside judge --auth {auth}")


@reviewer_app.command()
def passwd(name: Annotated[str, typer.Argument(help="The reviewer's name.")], auth: Accounts = ACCOUNTS) -> None:
    """Change a password.

    Example: `blindside reviewer passwd ann`
    """
    from eval.judge.access.accounts import change_password

    change_password(auth, name, _password())
    console.say(f"{name} has a new password")


@reviewer_app.command()
def remove(name: Annotated[str, typer.Argument(help="The reviewer's name.")], auth: Accounts = ACCOUNTS) -> None:
    """Remove a login; verdicts stay.

    Example: `blindside reviewer remove ann`
    """
    from eval.judge.access.accounts import remove_account

    remove_account(auth, name)
    console.say(f"{name} can no longer log in; verdicts stay")


@reviewer_app.command(name="list")
def list_names(auth: Accounts = ACCOUNTS) -> None:
    """List all logins.

    Example: `blindside reviewer list`
    """
    from eval.judge.access.accounts import read_accounts

    for name in read_accounts(auth):
        console.say(name)


def asked_study(
    folder: Path, given: Path | None, overlap: int | None, share: float | None, **others: str
) -> Study | None:
    """The study that a command line asks for; None where it leaves it to the run. Raises InputError."""
    changes = {"overlap": _overlap(overlap, share), **{name: value or None for name, value in others.items()}}
    return _study(folder, given, {name: value for name, value in changes.items() if value is not None})


def _study(folder: Path, given: Path | None, changes: dict[str, object]) -> Study | None:
    """The study of the file, or else of the run, with what the command line changes; None where nothing was given."""
    from pydantic import ValidationError

    from eval.judge.study.study import Study, read_frozen, read_study

    if given is None and not changes:
        return None
    study = read_study(given) if given is not None else read_frozen(folder)
    try:
        return Study.model_validate(study.model_dump() | changes)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0] if first["loc"] else "mode")
        raise InputError(f"{option}: {first['msg'].removeprefix('Value error, ')}") from None


def _overlap(reviewers: int | None, share: float | None) -> dict[str, object] | None:
    if reviewers is None and share is None:
        return None
    return {"reviewers": reviewers or 2, "share": 1.0 if share is None else share}


def _password() -> str:
    """Asked for twice at a terminal; a line of standard input elsewhere."""
    if sys.stdin.isatty():
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return password
    return sys.stdin.readline().rstrip("\n")


def register(app: typer.Typer) -> None:
    app.command()(judge)
    app.command()(demo)
    app.add_typer(reviewer_app, name="reviewer")
