"""The figures of a run as a table in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as Grid

from eval.evidence import checks
from eval.evidence.report import FORCED, Summary, figures
from eval.run import Run


def print_summary(run: Run, summary: Summary) -> None:
    """Print every figure with its interval and n, the finding in words, and where the files are."""
    grid = Grid("figure", "value", "95% interval", "n", title=run.name, title_justify="left")
    for figure in figures(summary):
        grid.add_row(figure.name, figure.said, figure.interval, f"{figure.n} {figure.unit}")
    console = Console()
    console.print(grid)
    for line in checks.lines(run):
        console.print(line, highlight=False)
    if checks.forced(run):
        console.print(FORCED.strip("*"), style="bold red")
    console.print(summary.in_words, highlight=False)
    console.print(f"Written to {run.report_folder}/", highlight=False, soft_wrap=True)
