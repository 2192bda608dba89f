"""The `blindside` command: one file a stage, and the one place where errors become sentences."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer

from compose.errors import ComposeError
from eval.cli import (
    collect,
    evaluate,
    gate,
    imports,
    judge,
    pairs,
    plan,
    proof,
    release,
    report,
    results,
    serving,
    signals,
    train,
)
from eval.errors import BlindsideError, ParityFailed, StaleInputs
from train.errors import TrainError

app = typer.Typer(
    name="blindside",
    help="Train with DPO, serve both models, judge blind, release on evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
STAGES = (
    train,
    evaluate,
    collect,
    imports,
    judge,
    results,
    report,
    plan,
    gate,
    release,
    pairs,
    signals,
    serving,
    proof,
)
for stage in STAGES:
    stage.register(app)

#: How a disk or a folder refuses, whoever was about to use it.
REFUSALS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Train with DPO, serve both models, judge blind, release on evidence."""
    if debug:
        os.environ["BLINDSIDE_DEBUG"] = "1"


def main() -> None:
    """Run a command; an error that a person can mend is one sentence on stderr, exit status 1 (3: parity, stale)."""
    try:
        app()
    except (BlindsideError, TrainError, ComposeError) as error:
        if os.environ.get("BLINDSIDE_DEBUG"):
            raise
        print(f"blindside: {error}", file=sys.stderr)
        sys.exit(3 if isinstance(error, ParityFailed | StaleInputs) else 1)
    except OSError as error:
        if error.errno not in REFUSALS or not error.filename or os.environ.get("BLINDSIDE_DEBUG"):
            raise
        print(
            f"blindside: {error.filename}: {error.strerror}: free the disk or the folder, then repeat", file=sys.stderr
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
