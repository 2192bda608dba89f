"""`blindside report`, `blindside runs` and `blindside results`: from verdicts to figures, in files and as pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blindside import console
from blindside.words import counted
from eval.cli.options import REPORTS, AllowHost, Browser, Host, Reports, RootPath, RunArgument


def report(
    run: RunArgument = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report; default: report/ in the run's folder.")
    ] = None,
    reports: Reports = REPORTS,
) -> None:
    """Turn a run's verdicts into a win rate: writes summary.csv, report.md and the verdicts that count.

    For a sweep: all candidates together, in sweep.csv, sweep.md and sweep.html.

    Use `--out` for a run folder that cannot be written to.
    Example: `blindside report tiny-1a2b3c4d`
    """
    from eval.report.tables.terminal import print_report
    from eval.report.write_report import write_report
    from eval.run import open_run
    from eval.sweep import is_sweep

    if is_sweep(reports, run):
        from eval.report.sweep.page import markdown, write_sweep_report

        console.say(markdown(write_sweep_report(reports, run, out)), lines=True)
        return
    opened = open_run(reports, run)
    print_report(write_report(opened, out), out or opened.report_folder)


def runs(reports: Reports = REPORTS) -> None:
    """List all runs: pairs, verdicts, and where each came from.

    Example: `blindside runs`
    """
    from eval.answers import read_answers
    from eval.judge.store.verdict_files import in_force, read_verdicts
    from eval.run import list_runs, open_run

    names = [folder.name for folder in list_runs(reports)]
    if not names:
        console.say(f"no run in {reports}/ yet: `make eval` makes one")
    for name in names:
        run = open_run(reports, name)
        pairs = len(read_answers(run.responses_path).pairs(run.prompts()))
        verdicts = len(in_force(read_verdicts(run.verdicts_path)))
        console.say(
            f"{name}  {pairs} of {counted(run.info.prompt_set.asked, 'pair')}  {counted(verdicts, 'verdict')}  "
            f"{run.info.origin}"
        )


def results(
    run: RunArgument = "",
    port: Annotated[int, typer.Option(help="Port of the pages; the next free one if it is taken.")] = 7870,
    host: Host = "127.0.0.1",
    allow_host: AllowHost = None,
    root_path: RootPath = "",
    browser: Browser = True,
    reports: Reports = REPORTS,
) -> None:
    """Open results and browse pages on a run or a sweep. They name the models: not for reviewers who still judge.

    Example: `blindside results tiny-1a2b3c4d`
    """
    from eval.judge.access.public_address import PublicAddress
    from eval.report.pages.page import serve
    from eval.run import open_run
    from eval.sweep import is_sweep

    front = PublicAddress.of(host, allow_host or (), root_path)
    if is_sweep(reports, run):
        from eval.report.sweep.page import serve as serve_sweep

        serve_sweep(reports, run, port=port, host=host, open_browser=browser, say=console.say, front=front)
        return
    serve(open_run(reports, run), port=port, host=host, open_browser=browser, say=console.say, front=front)


def register(app: typer.Typer) -> None:
    app.command()(report)
    app.command()(runs)
    app.command()(results)
