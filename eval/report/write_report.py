"""Writes report/: CSV for machines, report.md and report.html for people, verdicts.csv with the judgements in force."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from blindside.console import visible
from blindside.garbage import collected_later
from eval.errors import RunError
from eval.evidence.analysis import Analysis, all_figures
from eval.journal import write_atomically
from eval.judge.csv_codec import encode_row
from eval.report import compare
from eval.report.compare import Comparison
from eval.report.pages.report_html import comparison_html, report_html
from eval.report.pages.snapshot import Snapshot, read_snapshot
from eval.report.pages.standalone import picture_files
from eval.report.tables.csv_tables import JOINERS, category_csv, disagreement_csv, reviewer_csv, summary_csv
from eval.report.tables.markdown import markdown
from eval.run import Run

#: Within a row of verdicts.csv a comment may have lines.
_IN_A_ROW = JOINERS | {"\n", "\t"}

_log = logging.getLogger(__name__)


def write_report(run: Run, folder: Path | None = None, *, pairs: bool = True) -> Analysis:
    """Read the run's verdicts, write the report into `folder` (report/ of the run), return the figures.

    Without `pairs` report.html holds no answers.

    Raises InputError for files that can't be trusted, RunError where the folder cannot be written.
    """
    with collected_later():
        snapshot = read_snapshot(run)
        for line in snapshot.altered:
            _log.warning("%s", line)
        files = _files(snapshot, pairs)
        folder = folder or run.report_folder
        with write_errors_named(folder, otherwise=", or name another folder with --out"):
            for name, text in files.items():
                write_atomically(folder / name, text.encode())
            write_atomically(folder / "verdicts.csv", _joined(_rows(snapshot)))
    return snapshot.whole


def _files(snapshot: Snapshot, pairs: bool) -> dict[str, str]:
    """All but verdicts.csv, by name."""
    found = snapshot.whole
    files = {
        "summary.csv": summary_csv(all_figures(found)),
        "by_category.csv": category_csv(found),
        "by_reviewer.csv": reviewer_csv(found),
        "disagreements.csv": disagreement_csv(found),
    }
    files["report.md"] = markdown(found)
    files["report.html"] = report_html(snapshot, pairs=pairs)
    files["report.zh.html"] = report_html(snapshot, "zh", pairs=pairs)
    return files | picture_files(snapshot)


def write_comparison(comparison: Comparison) -> str:
    """Write compare-<old>.md and .html into report/ of the new run, and return the text of the first."""
    text, folder = compare.markdown(comparison), comparison.new.run.report_folder
    name = f"compare-{comparison.old.run.name}"
    with write_errors_named(folder):
        write_atomically(folder / f"{name}.md", text.encode())
        write_atomically(folder / f"{name}.html", comparison_html(comparison).encode())
    return text


@contextmanager
def write_errors_named(folder: Path, *, otherwise: str = "") -> Iterator[None]:
    """Around whatever writes into `folder`: raises RunError where the disk refuses; `otherwise` is a second remedy."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{folder} cannot be written ({reason}): make room there and allow it{otherwise}") from None


def _joined(lines: Iterator[bytes]) -> bytes:
    """The bytes of many lines, held once."""
    file = BytesIO()
    file.writelines(lines)
    return file.getvalue()


def _rows(snapshot: Snapshot) -> Iterator[bytes]:
    """As the judging page writes them, but for what a terminal would obey."""
    columns, file = snapshot.columns, snapshot.file
    yield visible(columns.header().decode(), keep=_IN_A_ROW).encode()
    counted = {verdict.verdict_id for verdict in snapshot.counted}
    for at, verdict in enumerate(file.rows):
        if verdict.verdict_id not in counted:
            continue
        line = file.line(at) or encode_row(verdict, columns)
        plain = line.isascii() and line[:-1].decode().isprintable()
        yield line if plain else visible(line.decode(), keep=_IN_A_ROW).encode()
