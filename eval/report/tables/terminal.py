"""A run's figures in the terminal: a few lines, the finding last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from blindside import console
from blindside.words import counted
from eval.evidence.analysis import Analysis, all_figures
from eval.evidence.headline import CAN_WE_STOP, FORCED
from eval.evidence.verdict import RunVerdict
from eval.report.tables import run_checks


def print_report(found: Analysis, folder: Path) -> None:
    """Print the main figures with interval and n, what they rest on, where the files are, and last the finding.

    All other figures are in the files: the sentence that decides must not have to be looked for.
    """
    out = console.terminal()
    for line in _above(found) if found.verdict.judgements else [_counts(found), *run_checks.servers(found.run)]:
        out.print(line, soft_wrap=True)
    if run_checks.forced(found.run):
        out.print(FORCED.strip("*"), style="bold red", soft_wrap=True)
    out.print(f"Written to {folder}/", soft_wrap=True)
    out.print(found.verdict.headline, soft_wrap=True)


def _above(found: Analysis) -> Iterator[str]:
    yield _counts(found)
    yield from _main_figures(found)
    yield from run_checks.servers(found.run)
    yield from run_checks.doubts(found.run)
    yield _conditions(found.verdict)
    yield found.verdict.two_claims
    yield f"{CAN_WE_STOP} {found.verdict.advice}."


def _counts(found: Analysis) -> str:
    """What there is, and what was left out of it, by reason."""
    judged = f"{counted(len(found.table), 'verdict')} on {counted(len(found.table.items), 'prompt')}"
    counts = judged if len(found.table) else f"no verdict yet on {counted(found.table.pairs, 'pair')}"
    excluded = found.table.excluded
    reasons = ", ".join(f"{reason} ({count})" for reason, count in sorted(excluded.items()))
    left_out = f"; excluded: {reasons}" if excluded else ""
    return f"{found.run.name}: {counts}{left_out}"


#: Names of the figures that a terminal shows.
_MAIN = (
    "win rate (ties as half)",
    "win rate without ties",
    "win rate with identical answers as ties",
    "share of both bad",
    "win rate, at any look (confidence sequence)",
)


def _main_figures(found: Analysis) -> Iterator[str]:
    rows = [
        (figure.name, figure.said, figure.interval, f"{figure.n} {figure.unit}")
        for figure in all_figures(found)
        if figure.name in _MAIN
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _conditions(found: RunVerdict) -> str:
    """How many conditions of the verdict hold, and which do not."""
    by_state: dict[str, list[str]] = {}
    for one in found.conditions:
        by_state.setdefault(one.state, []).append(one.name)
    fine = len(by_state.pop("fine", []))
    others = [f"{state}: {', '.join(names)}" for state, names in sorted(by_state.items())]
    return "; ".join([f"conditions of the verdict: {fine} of {len(found.conditions)} fine", *others])
