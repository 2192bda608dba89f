"""`blindside judge` and `blindside demo`: the judging page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from eval.cli.options import REPORTS, Port, Reports, RunArgument

SAMPLE = Path(__file__).resolve().parents[1] / "judge" / "sample"


def judge(
    run: RunArgument = "",
    port: Port = 7860,
    reviewer: Annotated[str, typer.Option(help="Your name, so that the page need not ask.")] = "",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
    reports: Reports = REPORTS,
) -> None:
    """Open the blind judging page on a run; verdicts go to its verdicts.csv. Ctrl-C ends it.

    Example: `blindside judge tiny-1a2b3c4d --port 7900`
    """
    from eval.judge.page import serve
    from eval.run import open_run

    serve(open_run(reports, run), port=port, reviewer=reviewer, open_browser=browser, say=typer.echo)


def demo(
    port: Port = 7860,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
    reports: Reports = REPORTS,
) -> None:
    """Open the judging page on a sample run: answers of the project's own tiny models, nothing to train or serve.

    Example: `blindside demo`
    """
    from eval.judge.page import serve
    from eval.run import open_run

    folder = reports / "demo"
    if not (folder / "run.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        # run.json comes last: its presence means that the run is complete.
        for name in ("prompts.jsonl", "responses.jsonl", "run.json"):
            shutil.copyfile(SAMPLE / name, folder / name)
    serve(open_run(reports, "demo"), port=port, open_browser=browser, say=typer.echo)


def register(app: typer.Typer) -> None:
    app.command()(judge)
    app.command()(demo)
