"""The two files that may be taken home: every row of verdicts.csv, and the rows in force that count."""

from __future__ import annotations

from eval.judge.csv_codec import PLAIN, encode_row
from eval.report.pages.live import Source


def verdicts_csv(source: Source) -> bytes:
    """verdicts.csv as it lies on disk."""
    path = source.run.verdicts_path
    return path.read_bytes() if path.exists() else PLAIN.header()


def resolved_csv(source: Source) -> bytes:
    """The rows that the figures are made of, as `blindside report` writes them."""
    snapshot = source.current()[0]
    return snapshot.columns.header() + b"".join(encode_row(verdict, snapshot.columns) for verdict in snapshot.counted)
