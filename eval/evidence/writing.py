"""Writes report/: CSV for machines, report.md and report.html for people, verdicts.csv with the judgements in force."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from blindside.console import visible
from eval.errors import RunError
from eval.evidence import compare
from eval.evidence.compare import Comparison
from eval.evidence.frames import JOINERS, category_frame, disagreement_frame, reviewer_frame, summary_frame
from eval.evidence.markdown import markdown
from eval.evidence.results.snapshot import read_snapshot
from eval.evidence.results.standalone import picture_files
from eval.evidence.results.static import comparison_html, report_html
from eval.evidence.whole import Whole, all_figures
from eval.journal import write_atomically
from eval.judge.cells import Columns, encode_row
from eval.records import Verdict
from eval.run import Run

#: Within a row of verdicts.csv a comment may have lines.
_IN_A_ROW = JOINERS | {"\n", "\t"}

_log = logging.getLogger(__name__)


def write_report(run: Run, folder: Path | None = None, *, pairs: bool = True) -> Whole:
    """Read the run's verdicts, write the report into `folder` (report/ of the run), return the figures.

    Without `pairs` report.html holds no answers.

    Raises InputError for files that can't be trusted, RunError where the folder cannot be written.
    """
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
    files = {name: frame.to_csv(index=False) for name, frame in frames.items()}
    files["verdicts.csv"] = _rows(found.verdicts, snapshot.columns)
    files["report.md"] = markdown(found)
    files["report.html"] = report_html(snapshot, pairs=pairs)
    files["report.zh.html"] = report_html(snapshot, "zh", pairs=pairs)
    files |= picture_files(snapshot)
    folder = folder or run.report_folder
    with writing_to(folder, otherwise=", or name another folder with --out"):
        for name, text in files.items():
            write_atomically(folder / name, text.encode())
    return found


def write_comparison(found: Comparison) -> str:
    """Write compare-<old>.md and .html into report/ of the new run, and return the text of the first."""
    text, folder = compare.markdown(found), found.new.run.report_folder
    name = f"compare-{found.old.run.name}"
    with writing_to(folder):
        write_atomically(folder / f"{name}.md", text.encode())
        write_atomically(folder / f"{name}.html", comparison_html(found).encode())
    return text


@contextmanager
def writing_to(folder: Path, *, otherwise: str = "") -> Iterator[None]:
    """Around whatever writes into `folder`: raises RunError where the disk refuses; `otherwise` is a second remedy."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{folder} cannot be written ({reason}): make room there and allow it{otherwise}") from None


def _rows(verdicts: Iterable[Verdict], columns: Columns) -> str:
    """As the judging page writes them, but for what a terminal would obey."""
    lines = [columns.header(), *(encode_row(verdict, columns) for verdict in verdicts)]
    return "".join(visible(line.decode(), keep=_IN_A_ROW) for line in lines)
