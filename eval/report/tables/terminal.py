"""A run's figures in the terminal: a few lines, the finding last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from blindside import console
from blindside.words import counted
from eval.evidence.analysis import Analysis, all_figures
from eval.evidence.summary import CAN_WE_STOP, FORCED
from eval.evidence.verdict import RunVerdict
from eval.report.tables import run_checks


def print_report(analysis: Analysis, folder: Path) -> None:
    """Print the main figures with interval and n, what they rest on, where the files are, and last the finding.

    All other figures are in the files: the sentence that decides must not have to be looked for.
    """
    out = console.terminal()
    for line in (
        _above(analysis) if analysis.verdict.judgements else [_counts(analysis), *run_checks.servers(analysis.run)]
    ):
        out.print(line, soft_wrap=True)
    if run_checks.forced(analysis.run):
        out.print(FORCED.strip("*"), style="bold red", soft_wrap=True)
    out.print(f"Written to {folder}/", soft_wrap=True)
    out.print(analysis.verdict.headline, soft_wrap=True)


def _above(analysis: Analysis) -> Iterator[str]:
    yield _counts(analysis)
    yield from _main_figures(analysis)
    yield from run_checks.servers(analysis.run)
    yield from run_checks.doubts(analysis.run)
    yield _conditions(analysis.verdict)
    yield analysis.verdict.two_claims
    yield f"{CAN_WE_STOP} {analysis.verdict.advice}."


def _counts(analysis: Analysis) -> str:
    """What there is, and what was left out of it, by reason."""
    judged = f"{counted(len(analysis.table), 'verdict')} on {counted(len(analysis.table.items), 'prompt')}"
    counts = judged if len(analysis.table) else f"no verdict yet on {counted(analysis.table.pairs, 'pair')}"
    excluded = analysis.table.excluded
    reasons = ", ".join(f"{reason} ({count})" for reason, count in sorted(excluded.items()))
    left_out = f"; excluded: {reasons}" if excluded else ""
    return f"{analysis.run.name}: {counts}{left_out}"


#: Names of the figures that a terminal shows.
_MAIN = (
    "win rate (ties as half)",
    "win rate without ties",
    "win rate with identical answers as ties",
    "share of both bad",
    "win rate, at any look (confidence sequence)",
)


def _main_figures(analysis: Analysis) -> Iterator[str]:
    rows = [
        (figure.name, figure.said, figure.interval, figure.size)
        for figure in all_figures(analysis)
        if figure.name in _MAIN
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _conditions(verdict: RunVerdict) -> str:
    """How many conditions of the verdict hold, and which do not."""
    by_state: dict[str, list[str]] = {}
    for one in verdict.conditions:
        by_state.setdefault(one.state, []).append(one.name)
    fine = len(by_state.pop("fine", []))
    others = [f"{state}: {', '.join(names)}" for state, names in sorted(by_state.items())]
    return "; ".join([f"conditions of the verdict: {fine} of {len(verdict.conditions)} fine", *others])
