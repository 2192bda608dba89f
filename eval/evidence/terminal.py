"""The figures of a run as a table in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table as Grid

from blindside import console
from eval.evidence import checks
from eval.evidence.report import FORCED
from eval.evidence.whole import Whole, all_figures


def print_report(found: Whole, folder: Path) -> None:
    """Print every figure with its interval and n, the finding in words, and where the files are."""
    grid = Grid("figure", "value", "95% interval", "n", title=found.run.name, title_justify="left")
    for figure in all_figures(found):
        grid.add_row(figure.name, figure.said, figure.interval, f"{figure.n} {figure.unit}")
    out = console.terminal()
    out.print(grid)
    for reason, count in sorted(found.table.excluded.items()):
        out.print(f"{count} rows excluded: {reason}")
    for line in checks.lines(found.run):
        out.print(line)
    if checks.forced(found.run):
        out.print(FORCED.strip("*"), style="bold red")
    out.print(found.summary.in_words)
    out.print(f"Looking at any time: {found.progress.in_words}.")
    out.print(f"Written to {folder}/", soft_wrap=True)
