"""Writes report/: CSV for machines, report.md and report.html for people, verdicts.csv with the judgements in force."""

from __future__ import annotations

import logging

from eval.evidence.frames import category_frame, disagreement_frame, reviewer_frame, summary_frame
from eval.evidence.markdown import markdown
from eval.evidence.results.snapshot import read_snapshot
from eval.evidence.results.static import report_html
from eval.evidence.whole import Whole, all_figures
from eval.journal import write_atomically
from eval.judge.cells import encode_row
from eval.run import Run

_log = logging.getLogger(__name__)


def write_report(run: Run) -> Whole:
    """Read the run's verdicts, write report/, return the figures. Raises InputError for files that can't be trusted."""
    snapshot = read_snapshot(run)
    found = snapshot.whole
    for line in snapshot.altered:
        _log.warning("%s", line)
    frames = {
        "summary.csv": summary_frame(all_figures(found)),
        "by_category.csv": category_frame(found),
        "by_reviewer.csv": reviewer_frame(found),
        "disagreements.csv": disagreement_frame(found),
    }
    for name, frame in frames.items():
        write_atomically(run.report_folder / name, frame.to_csv(index=False).encode())
    rows = b"".join(encode_row(verdict, snapshot.columns) for verdict in found.verdicts)
    write_atomically(run.report_folder / "verdicts.csv", snapshot.columns.header() + rows)
    write_atomically(run.report_folder / "report.md", markdown(found).encode())
    write_atomically(run.report_folder / "report.html", report_html(snapshot).encode())
    return found
