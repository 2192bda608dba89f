"""`blindside results SWEEP`: pages over all candidates, and the same as files."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from blindside import console
from blindside.markdown import plain
from eval.errors import BlindsideError
from eval.evidence.estimates.metric import Metric
from eval.journal import write_atomically
from eval.judge.door.front import Front
from eval.judge.door.gatekeeper import Gatekeeper
from eval.judge.door.routes import Route
from eval.judge.door.serving import present
from eval.judge.study.study import Language
from eval.records import utc_now
from eval.report.pages.views import Frame, render
from eval.report.pages.web import LANGUAGE, STAMP, Asked, pages
from eval.report.pages.words import words
from eval.report.sweep.snapshot import SweepSnapshot, SweepSource, read_sweep_snapshot
from eval.report.sweep.views import SweepQuery, findings, parse_sweep, prompt_list, prompt_page, sentence
from eval.report.write_report import writing_to
from eval.spreadsheet import neutralise

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_say = console.say
ROUTES = (Route("GET HEAD", "/"), STAMP, LANGUAGE)
HEAD = ("candidate", "state", "reason", "run", "prompts", "verdicts", "win_rate", "low", "high")


def show(source: SweepSource, name: str, address: str = "", language: Language = "en") -> str:
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


def application(reports: Path, name: str, front: Front | None = None) -> ASGIApp:
    """An ASGI application as `eval.report.pages.page.application`. Raises InputError, RunError."""
    source = SweepSource(reports, name)
    source.current()

    def page(asked: Asked) -> str:
        return show(source, name, asked.address, asked.language)

    return Gatekeeper(pages(page, source.stamp), front or Front(), ROUTES, queried=True)


def serve(
    reports: Path,
    name: str,
    *,
    port: int = 7870,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    say: Callable[[str], None] = _say,
    front: Front | None = None,
) -> None:
    """Serve the pages until Ctrl-C or SIGTERM, as `eval.report.pages.page.serve`."""
    names = front or Front.of(host)
    present(
        lambda: application(reports, name, names),
        "Results",
        host=host,
        port=port,
        open_browser=open_browser,
        say=say,
        exposed="anyone who reaches this machine can read the results: reviewers must not, before they have judged",
    )


def write_sweep_report(reports: Path, name: str, folder: Path | None = None) -> SweepSnapshot:
    """Write sweep.csv, sweep.md and sweep.html into `folder` (report/ of the sweep's), and return what they say.

    Raises InputError for files that can't be trusted, RunError where the folder cannot be written.
    """
    found = read_sweep_snapshot(reports, name)
    folder = folder or reports / name / "report"
    last = max((one.judged_at for own in found.standings.verdicts.values() for one in own), default="")
    frame = Frame(name, last, "", words("en"), alone=True)
    page = render("sweep.jinja", frame, SweepQuery(), found=findings(found, words("en")))
    with writing_to(folder, otherwise=", or name another folder with --out"):
        write_atomically(folder / "sweep.html", page.encode())
        write_atomically(folder / "sweep.csv", _csv(found).encode())
        write_atomically(folder / "sweep.md", markdown(found).encode())
    return found


def markdown(found: SweepSnapshot) -> str:
    """The sweep for people: every candidate, also those that failed or were dropped."""
    shown = findings(found, words("en"))
    rows = [
        f"| {plain(row.one.name)} | {plain(row.changes)} | {_said(row.rate)} | {row.verdicts} | {plain(row.what)} |"
        for row in shown.candidates
    ]
    lines = [
        f"# Sweep {plain(found.sweep.sweep)}",
        "",
        sentence(found),
        "",
        f"Intervals hold for all {found.sweep.of} candidates together, at any look.",
        "",
        "| candidate | changes | win rate over the base, identical answers as ties | verdicts | |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "| difference on shared prompts | | |",
        "|---|---|---|",
        *(f"| {plain(a)} − {plain(b)} | {_said(figure)} | {figure.n} prompts |" for a, b, figure in shown.differences),
        "",
    ]
    return "\n".join(lines)


def _said(figure: Metric | None) -> str:
    if figure is None or figure.value is None:
        return ""
    return f"{figure.said}, {figure.interval}"


def _csv(found: SweepSnapshot) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    bounds = found.standings.race.bounds
    for one in found.sweep.candidates:
        own = bounds.get(one.name)
        state = "dropped" if one.name in found.standings.race.dropped else one.state
        reason = found.standings.race.dropped.get(one.name, one.reason)
        cells = [one.name, state, reason, one.run]
        figures = ["", "", "", "", ""]
        if own is not None:
            value = "" if own.value is None else f"{own.value:.6f}"
            verdicts = len(found.standings.verdicts[one.name])
            figures = [str(own.n), str(verdicts), value, f"{own.low:.6f}", f"{own.high:.6f}"]
        writer.writerow([*map(neutralise, cells), *figures])
    return out.getvalue()
