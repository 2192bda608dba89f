"""report.html: the results page and the rest of the report in one file that asks for nothing and runs nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from markupsafe import Markup

from eval.evidence.results.extras import extra
from eval.evidence.results.figures import findings
from eval.evidence.results.query import Query
from eval.evidence.results.snapshot import Snapshot
from eval.evidence.results.views import ASSETS, Frame, render, style
from eval.evidence.whole import all_figures

#: Pages choose dark by a class that a script sets; a file has no script, and goes by what its reader asks for.
_DARK = re.compile(r"@media screen\s*\{\s*\.dark\s*\{")
_DARK_BY_READER = "@media screen and (prefers-color-scheme: dark) { :root {"
#: All text is escaped, so each of these is a link of our templates.
_LINK = re.compile(r"</?a\b[^>]*>")


def report_html(snapshot: Snapshot) -> str:
    """The whole report. The same files give the same bytes."""
    found = snapshot.whole
    last = max((verdict.judged_at for verdict in found.verdicts), default="")
    page = render(
        "report.jinja",
        layout="document.jinja",
        frame=Frame(found.run.name, Query(), "", datetime.min.replace(tzinfo=UTC), ""),
        found=findings(snapshot),
        extra=extra(found),
        figures=all_figures(found),
        last=last,
        style=Markup(report_style()),
    )
    return _LINK.sub("", page).lstrip()


def report_style() -> str:
    """The style sheet of a report, dark where its reader asks for dark."""
    sheet = style() + (ASSETS / "report.css").read_text("utf-8")
    return _DARK.sub(_DARK_BY_READER, sheet)
