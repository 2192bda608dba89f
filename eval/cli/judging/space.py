"""`blindside space` and `blindside pull`: the judging page as a Hugging Face Space, and its verdicts copied back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blindside import console
from eval.cli.options import REPORTS, Reports, RunArgument

if TYPE_CHECKING:
    from eval.judge.study.study import Study
    from eval.release.space.layout import DeployedSpace, Settings
    from eval.run import Run

Data = Annotated[
    str, typer.Option(help="The private data set repository of the run: owner/name; default: the Space's with -data.")
]


def space(
    run: RunArgument = "",
    repo: Annotated[str, typer.Option(help="The Space: owner/name on the Hub.")] = "",
    data: Data = "",
    auth: Annotated[Path | None, typer.Option(help="Use the logins in this file (`blindside reviewer add`).")] = None,
    user: Annotated[
        list[str] | None, typer.Option(help="Hub account that may judge; repeatable; instead of --auth.")
    ] = None,
    org: Annotated[list[str] | None, typer.Option(help="Hub organisation whose members may judge; repeatable.")] = None,
    study: Annotated[Path | None, typer.Option(help="YAML of the study, as for `blindside judge`.")] = None,
    policy: Annotated[Path | None, typer.Option(help="The gate's policy, fixed now.")] = None,
    every: Annotated[float, typer.Option(min=30, help="Seconds between two copies of the verdicts.")] = 60.0,
    bucket: Annotated[str, typer.Option(help="Storage bucket to be mounted at /data: owner/name.")] = "",
    private: Annotated[bool, typer.Option("--private", help="Make the Space itself private, too.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Pause the run's Space.")] = False,
    reports: Reports = REPORTS,
) -> None:
    """Serve a run's judging page as a Space of the Hugging Face Hub, for reviewers who cannot reach this machine.

    The run is stored in a private data set repository; `blindside pull` fetches the verdicts. Run it again to update
    the Space.

    Example: `blindside space tiny-1a2b3c4d --repo me/judging --auth reviewers.csv`
    """
    from eval.policy import freeze_policy
    from eval.release.space.layout import Settings
    from eval.release.space.publish import TOKEN_VARIABLE, SpacePlan, publish
    from eval.release.space.publish import stop as pause
    from eval.run import open_run

    _refuse_sweep(reports, run)
    opened = open_run(reports, run)
    deployed = _deployed(opened, repo, data)
    if stop:
        pause(deployed)
        console.say(f"{deployed.space} is paused. Fetch the verdicts with `blindside pull {opened.name}`")
        return
    settings = Settings(every=every, users=tuple(user or ()), orgs=tuple(org or ()))
    _check_door(settings, auth)
    wanted = SpacePlan(deployed.space, deployed.data, settings, auth, private, bucket)
    publish(freeze_policy(opened, policy), _study(study), wanted, console.say)
    console.say(f"The Space uses your token, unless {TOKEN_VARIABLE} has another one (docs/space.md)")
    console.say(f"Judge at https://huggingface.co/spaces/{deployed.space}, once it is built")


def pull(run: RunArgument = "", data: Data = "", reports: Reports = REPORTS) -> None:
    """Fetch the verdicts of a run's Space, so that report and gate use them.

    Example: `blindside pull tiny-1a2b3c4d`
    """
    from eval.release.hub.upload import client
    from eval.release.space.pull import pull as bring
    from eval.release.space.store import Store
    from eval.run import open_run

    _refuse_sweep(reports, run)
    opened = open_run(reports, run)
    deployed = _deployed(opened, "", data)
    pulled = bring(opened, Store(client(), deployed.data, opened.name), console.say)
    console.say(f"{pulled.new:,} new verdicts from {deployed.data}, {pulled.rows:,} in all")


def _refuse_sweep(reports: Path, name: str) -> None:
    """Raises InputError for a sweep: a Space holds one run, and candidates are judged on one page."""
    from eval.errors import InputError
    from eval.sweep import is_sweep

    if is_sweep(reports, name):
        raise InputError(
            f"{name} is a sweep, and a Space serves one run: give the page of all candidates a public address from "
            f"this machine instead, with `blindside judge {name} --auth reviewers.csv --share`"
        )


def _deployed(opened: Run, repo: str, data: str) -> DeployedSpace:
    """The run's Space, as the command line or else the run's folder says. Raises InputError where neither does."""
    from eval.errors import InputError
    from eval.release.space.layout import DeployedSpace, read_deployed

    known = read_deployed(opened.folder)
    space = repo or (known.space if known else "")
    place = data or (known.data if known and known.space == space else f"{space}-data" if space else "")
    if not place:
        raise InputError(
            f"run {opened.name} has no Space: make one with `blindside space {opened.name} --repo owner/name`"
        )
    return DeployedSpace(space=space, data=place)


def _check_door(settings: Settings, auth: Path | None) -> None:
    """Raises InputError where nobody, or everybody, could judge, and for a file without logins."""
    from eval.errors import InputError
    from eval.judge.access.accounts import Accounts

    if (auth is not None) == settings.by_hub:
        raise InputError("name the reviewers: logins with --auth reviewers.csv, or Hub accounts with --user and --org")
    if auth is not None:
        Accounts(auth)


def _study(path: Path | None) -> Study | None:
    from eval.judge.study.study import read_study

    return read_study(path) if path else None


def register(app: typer.Typer) -> None:
    app.command()(space)
    app.command()(pull)
