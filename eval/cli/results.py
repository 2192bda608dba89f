"""`blindside results`: the pages that name the models."""

from __future__ import annotations

from typing import Annotated

import typer

from blindside import console
from eval.cli.options import REPORTS, AllowHost, Reports, RootPath, RunArgument


def results(
    run: RunArgument = "",
    port: Annotated[int, typer.Option(help="Port of the pages; the next free one if it is taken.")] = 7870,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    allow_host: AllowHost = None,
    root_path: RootPath = "",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
    reports: Reports = REPORTS,
) -> None:
    """Open results and browse pages on a run or a sweep. They name the models: not for reviewers who still judge.

    Example: `blindside results tiny-1a2b3c4d`
    """
    from eval.judge.door.front import Front
    from eval.report.pages.page import serve
    from eval.run import open_run
    from eval.sweep import is_sweep

    front = Front.of(host, allow_host or (), root_path)
    if is_sweep(reports, run):
        from eval.report.sweep.page import serve as serve_sweep

        serve_sweep(reports, run, port=port, host=host, open_browser=browser, say=console.say, front=front)
        return
    serve(open_run(reports, run), port=port, host=host, open_browser=browser, say=console.say, front=front)


def register(app: typer.Typer) -> None:
    app.command()(results)
