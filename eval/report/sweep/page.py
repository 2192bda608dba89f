"""`blindside results SWEEP`: pages over all candidates, and the same as files."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from blindside.markdown import as_text
from eval.errors import BlindsideError
from eval.evidence.estimates.metric import Metric
from eval.journal import write_atomically
from eval.judge.access.public_address import PublicAddress
from eval.judge.study.study import Language
from eval.records import utc_now
from eval.report.pages.plain_pages import PageRequest, ServeOptions, guarded_pages, serve_results
from eval.report.pages.views import Frame, render
from eval.report.pages.words import words
from eval.report.sweep.snapshot import SweepSnapshot, SweepSource, read_sweep_snapshot
from eval.report.sweep.views import SweepQuery, findings, parse_sweep, prompt_list, prompt_page, sentence
from eval.report.write_report import write_errors_named
from eval.spreadsheet import neutralise

if TYPE_CHECKING:
    from starlette.types import ASGIApp

HEAD = ("candidate", "state", "reason", "run", "prompts", "verdicts", "win_rate", "low", "high")


def show_page(source: SweepSource, name: str, address: str = "", language: Language = "en") -> str:
    """The whole page at an address; a file that cannot be read is said on the page."""
    query, say = parse_sweep(address), words(language)
    try:
        stamp, found = source.stamp(), source.current()
    except BlindsideError as error:
        return render("trouble.jinja", Frame(name, utc_now(), "", say), query, problem=str(error))
    frame = Frame(name, utc_now(), stamp, say)
    if query.view == "results":
        return render("sweep.jinja", frame, query, found=findings(found, say))
    if query.item:
        page = prompt_page(found, query)
        return render("unknown.jinja" if page is None else "sweep_item.jinja", frame, query, page=page)
    return render("sweep_browse.jinja", frame, query, listing=prompt_list(found, query))


def application(reports: Path, name: str, front: PublicAddress | None = None) -> ASGIApp:
    """An ASGI application as `eval.report.pages.page.application`. Raises InputError, RunError."""
    source = SweepSource(reports, name)
    source.current()

    def page(asked: PageRequest) -> str:
        return show_page(source, name, asked.address, asked.language)

    return guarded_pages(page, source.stamp, front=front)


def serve(reports: Path, name: str, **options: Unpack[ServeOptions]) -> None:
    """Serve the pages until Ctrl-C or SIGTERM, as `eval.report.pages.page.serve`."""
    serve_results(lambda front: application(reports, name, front), **options)


def write_sweep_report(reports: Path, name: str, folder: Path | None = None) -> SweepSnapshot:
    """Write sweep.csv, sweep.md and sweep.html into `folder` (report/ of the sweep's), and return what they say.

    Raises InputError for files that can't be trusted, RunError where the folder cannot be written.
    """
    found = read_sweep_snapshot(reports, name)
    folder = folder or reports / name / "report"
    last = max((one.judged_at for own in found.standings.verdicts.values() for one in own), default="")
    frame = Frame(name, last, "", words("en"), alone=True)
    page = render("sweep.jinja", frame, SweepQuery(), found=findings(found, words("en")))
    with write_errors_named(folder, otherwise=", or name another folder with --out"):
        write_atomically(folder / "sweep.html", page.encode())
        write_atomically(folder / "sweep.csv", _csv(found).encode())
        write_atomically(folder / "sweep.md", markdown(found).encode())
    return found


def markdown(snapshot: SweepSnapshot) -> str:
    """The sweep for people: every candidate, also those that failed or were dropped."""
    shown = findings(snapshot, words("en"))
    rows = [
        "| "
        + " | ".join(
            [as_text(row.one.name), as_text(row.changes), _value_text(row.rate), str(row.verdicts), as_text(row.what)]
        )
        + " |"
        for row in shown.candidates
    ]
    lines = [
        f"# Sweep {as_text(snapshot.sweep.sweep)}",
        "",
        sentence(snapshot),
        "",
        f"Intervals hold for all {snapshot.sweep.of} candidates together, at any look.",
        "",
        "| candidate | changes | win rate over the base, identical answers as ties | verdicts | |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "| difference on shared prompts | | |",
        "|---|---|---|",
        *(
            f"| {as_text(a)} − {as_text(b)} | {_value_text(figure)} | {figure.n} prompts |"
            for a, b, figure in shown.differences
        ),
        "",
    ]
    return "\n".join(lines)


def _value_text(figure: Metric | None) -> str:
    if figure is None or figure.value is None:
        return ""
    return f"{figure.said}, {figure.interval}"


def _csv(snapshot: SweepSnapshot) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    bounds = snapshot.standings.race.bounds
    for one in snapshot.sweep.candidates:
        own = bounds.get(one.name)
        state = "dropped" if one.name in snapshot.standings.race.dropped else one.state
        reason = snapshot.standings.race.dropped.get(one.name, one.reason)
        cells = [one.name, state, reason, one.run]
        figures = ["", "", "", "", ""]
        if own is not None:
            value = "" if own.value is None else f"{own.value:.6f}"
            verdicts = len(snapshot.standings.verdicts[one.name])
            figures = [str(own.n), str(verdicts), value, f"{own.low:.6f}", f"{own.high:.6f}"]
        writer.writerow([*map(neutralise, cells), *figures])
    return out.getvalue()
