"""The figures of a run as a table in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table as Grid

from blindside import console
from eval.evidence import checks
from eval.evidence.report import CAN_WE_STOP, FORCED
from eval.evidence.verdict import RunVerdict
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
    out.print(condition_grid(found.verdict))
    out.print(found.verdict.headline)
    out.print(found.verdict.two_claims)
    out.print(f"{CAN_WE_STOP} {found.verdict.advice}.")
    out.print(f"Written to {folder}/", soft_wrap=True)


def condition_grid(found: RunVerdict) -> Grid:
    """What the verdict rests on, a row each."""
    grid = Grid("condition", "", "figure", "where", title="what the verdict rests on", title_justify="left")
    for one in found.conditions:
        grid.add_row(one.name, one.state, one.figure, one.where)
    return grid
