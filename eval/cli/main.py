"""The `blindside` command: every subcommand is registered here, and errors become one sentence here."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from blindside import console
from eval.cli.collecting import collect, evaluate, import_answers, model_judge, parity, serving
from eval.cli.deciding import gate, release, report
from eval.cli.judging import judge, other_tools, plan, space
from eval.cli.sweep import command as sweep
from eval.cli.training import export, pairs, train
from eval.errors import BlindsideError, ParityFailed, StaleInputs


class Group(TyperGroup):
    """Says what is wrong with a command line without the escapes that a file's name brought into it."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(message := getattr(error, "message", None), str):
                error.message = console.one_line(message)  # type: ignore[attr-defined]
            raise


app = typer.Typer(
    name="blindside",
    cls=Group,
    help="Train with DPO, serve both models, judge blind, release on evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
STAGES = (
    train,
    sweep,
    export,
    evaluate,
    collect,
    import_answers,
    judge,
    other_tools,
    report,
    plan,
    gate,
    release,
    space,
    pairs,
    model_judge,
    serving,
    parity,
)
for stage in STAGES:
    stage.register(app)

#: Errors of a disk or folder: full, read-only, not permitted, broken.
REFUSALS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})


def _version(asked: bool) -> None:
    if asked:
        console.say(f"blindside {metadata.version('blindside')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Train with DPO, serve both models, judge blind, release on evidence."""
    if debug:
        os.environ["BLINDSIDE_DEBUG"] = "1"


def main() -> None:
    """Run a command; an error that a person can fix is one sentence on stderr, exit status 1 (3: parity, stale)."""
    console.guard()
    try:
        app()
    except BlindsideError as error:
        if os.environ.get("BLINDSIDE_DEBUG"):
            traceback.print_exc()
        for line in error.excerpt:
            console.tell(f"  {line}")
        # The sentence with the reason comes last.
        console.tell(f"blindside: {error}", lines=error.lines)
        sys.exit(3 if isinstance(error, ParityFailed | StaleInputs) else 1)
    except OSError as error:
        if error.errno not in REFUSALS or not error.filename or os.environ.get("BLINDSIDE_DEBUG"):
            raise
        console.tell(f"blindside: {error.filename}: {error.strerror}: free the disk or the folder, then repeat")
        sys.exit(1)


if __name__ == "__main__":
    main()
