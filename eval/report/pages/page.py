"""The results, browse and compare pages: the address of each is its whole state.

They tell which model wrote what, so they are a server of their own: nothing here is served by the judging page.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Unpack

from eval.judge.access.public_address import PublicAddress
from eval.judge.csv_codec import PLAIN, encode_row
from eval.judge.study.study import Language
from eval.report.pages.live_snapshot import SnapshotSource
from eval.report.pages.plain_pages import PageRequest, ServeOptions, guarded_pages, serve_results
from eval.report.pages.query import parse_query
from eval.report.pages.views import Frame, computing_html, page_html, trouble_html
from eval.report.pages.words import words
from eval.run import Run

if TYPE_CHECKING:
    from starlette.types import ASGIApp

#: Seconds that a page waits for newer figures before it shows what there is, and the command for the first.
PATIENCE, _FIRST = 0.25, 3.0


def show_page(run: Run, source: SnapshotSource, address: str = "", language: Language = "en") -> str:
    """The whole page at an address; it says what cannot be read, and that figures are not the newest."""
    query, latest = parse_query(address), source.latest()
    frame = Frame(run.name, latest.looked_at, latest.stamp, words(language), behind=latest.behind)
    if latest.snapshot is None:
        return trouble_html(query, frame, latest.problem) if latest.problem else computing_html(query, frame)
    return page_html(latest.snapshot, query, frame, source.behind)


def application(run: Run, front: PublicAddress | None = None) -> ASGIApp:
    """The pages as `guarded_pages`.

    Raises InputError where the run's files cannot be read; the pages of a large run say so, when it shows.
    """
    source = SnapshotSource(run, PATIENCE)
    source.begin(_FIRST)

    def page(asked: PageRequest) -> str:
        return show_page(run, source, asked.address, asked.language)

    files = {
        f"/download/{name}.csv": (partial(make, source), f"{run.name}-{name}.csv")
        for name, make in (("verdicts", verdicts_csv), ("resolved", resolved_csv))
    }
    return guarded_pages(page, source.stamp, files, front)


def serve(run: Run, **options: Unpack[ServeOptions]) -> None:
    """Serve the pages until Ctrl-C or SIGTERM. Raises as `application` and `serve_results` do."""
    serve_results(lambda front: application(run, front), **options)


def verdicts_csv(source: SnapshotSource) -> bytes:
    """verdicts.csv as it is on disk."""
    path = source.run.verdicts_path
    return path.read_bytes() if path.exists() else PLAIN.header()


def resolved_csv(source: SnapshotSource) -> bytes:
    """The rows that the figures are made of, as `blindside report` writes them."""
    snapshot = source.current()[0]
    return snapshot.columns.header() + b"".join(encode_row(verdict, snapshot.columns) for verdict in snapshot.counted)
