"""report.html: the results page with its pairs in one file, without script or requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from eval.judge.study.study import Language
from eval.report.compare import Comparison
from eval.report.pages.browse import Item, find, whole_item
from eval.report.pages.compare_page import versus_alone
from eval.report.pages.figures import findings
from eval.report.pages.query import Query, parse_query
from eval.report.pages.snapshot import Entry, Snapshot
from eval.report.pages.views import Frame, Pane, panes, render
from eval.report.pages.words import words

#: Characters of prompts and answers that a file holds: with marks and pictures it stays under two megabytes.
MOST = 250_000
#: All text is escaped, so each of these is a link of our templates, or one that a model wrote and the renderer let in.
_LINK = re.compile(r"<a\b(?P<inside>[^>]*)>|</a>")
_HREF = re.compile(r'href="([^"]*)"')


@dataclass(frozen=True)
class HeldPair:
    """A pair in the file; `mark` is where links to it lead."""

    mark: str
    item: Item
    panes: tuple[Pane, ...]


def report_html(snapshot: Snapshot, language: Language = "en", *, pairs: bool = True) -> str:
    """The whole report. The same files give the same bytes. Without `pairs` it holds no answer."""
    found = snapshot.whole
    last = max((verdict.judged_at for verdict in found.verdicts), default="")
    say = words(language)
    frame = Frame(found.run.name, last, "", say, alone=True)
    held = tuple(_held(snapshot, frame)) if pairs else ()
    page = render(
        "results.jinja", frame, Query(), found=findings(snapshot, say), what_if=None, computing=False, pairs=held
    )
    return _closed(page, {one.item.entry.prompt.id: one.mark for one in held})


def comparison_html(comparison: Comparison, language: Language = "en") -> str:
    """The compare page of two runs as a file."""
    say = words(language)
    frame = Frame(comparison.new.run.name, "", "", say, alone=True)
    return _closed(render("compare.jinja", frame, Query(view="compare"), versus=versus_alone(comparison, say)), {})


def _held(snapshot: Snapshot, frame: Frame) -> Iterator[HeldPair]:
    """Those worth reading first, as many as there is room for: disagreements, comments, base's wins, then the rest."""
    room = MOST
    for number, entry in enumerate(_by_worth(snapshot)):
        room -= _size(entry)
        if room < 0:
            return
        query = Query(view="browse", item=entry.prompt.id)
        item = whole_item(snapshot, entry)
        yield HeldPair(f"pair-{number + 1}", item, tuple(panes(snapshot, item, query, frame.say)))


def _by_worth(snapshot: Snapshot) -> list[Entry]:
    return snapshot.once("by worth", lambda: list(_listed_by_worth(snapshot).values()))


def _listed_by_worth(snapshot: Snapshot) -> dict[str, Entry]:
    lists = (
        Query(view="browse", agreement="disagreement"),
        Query(view="browse", verdict="comment"),
        Query(view="browse", verdict="base", sort="base"),
        Query(view="browse", verdict="both_bad"),
        Query(view="browse"),
    )
    return {entry.prompt.id: entry for query in lists for entry in find(snapshot, query)}


def _size(entry: Entry) -> int:
    texts = [message.content for message in entry.prompt.messages]
    answers = [entry.pair.base.text, entry.pair.tuned.text] if entry.pair else []
    return sum(map(len, (*texts, *answers, *(verdict.comment for verdict in entry.verdicts)))) + 1_500


def _closed(page: str, marks: dict[str, str]) -> str:
    """The page with links within itself alone: to its headings, and to the pairs that it holds."""
    out, end, opened = [], 0, False
    for found in _LINK.finditer(page):
        out.append(page[end : found.start()])
        end = found.end()
        if found["inside"] is None:
            out.append("</a>" if opened else "")
            continue
        href = _HREF.search(found["inside"])
        target = _within(href[1] if href else "", marks)
        opened = bool(target)
        kept = _HREF.sub(f'href="{target}"', found["inside"]) if target else ""
        out.append(f"<a{kept}>" if target else "")
    return "".join([*out, page[end:]])


def _within(href: str, marks: dict[str, str]) -> str:
    if re.fullmatch(r"#[a-z0-9-]+", href):
        return href
    item = parse_query(href.replace("&amp;", "&")).item if href.startswith("?") else ""
    return f"#{marks[item]}" if item in marks else ""
