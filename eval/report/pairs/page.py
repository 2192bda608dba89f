"""The page of `blindside pairs browse FILE`, on this machine alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from blindside import console
from eval.judge.access.public_address import PublicAddress
from eval.judge.access.server import serve_page
from eval.judge.rendering.differences import differences
from eval.judge.rendering.render import Formatted, formatted, plain_html
from eval.judge.study.study import Language
from eval.records import Row
from eval.report.pages.drawing import Picture
from eval.report.pages.pictures.bars import Bars, paired
from eval.report.pages.plain_pages import PageRequest, guarded_pages
from eval.report.pages.query import LONGEST
from eval.report.pages.views import Frame, render
from eval.report.pages.words import Words, words
from eval.report.pairs.pair_file import FILTERS, PairFile, read_pair_file, trouble

if TYPE_CHECKING:
    from starlette.types import ASGIApp


SHOW = (("formatted", "Formatted"), ("differences", "Differences"), ("raw", "Plain text"))
_MOST_FIELDS, _DIGITS = 20, 8


class PairQuery(Row):
    """One address: a filter, a search, how answers are shown, and the pair's number among those found, from 1 on."""

    which: str = "All pairs"
    q: str = ""
    show: str = "formatted"
    number: int = 1

    def href(self, **changes: Any) -> str:
        """A link to this address with `changes`; what is as by default is left out."""
        return "?" + urlencode(self.model_copy(update=changes).model_dump(exclude_defaults=True))


def parse_pair_query(address: str) -> PairQuery:
    """The query of an address; what no link of ours says is read as the default."""
    try:
        given = dict(parse_qsl(address.removeprefix("?"), max_num_fields=_MOST_FIELDS))
    except ValueError:
        return PairQuery()
    which, show, number = given.get("which", ""), given.get("show", ""), given.get("number", "")
    return PairQuery(
        which=which if which in FILTERS else "All pairs",
        q=given.get("q", "")[:LONGEST].strip(),
        show=show if show in dict(SHOW) else "formatted",
        number=max(1, int(number)) if number.isascii() and number.isdigit() and len(number) <= _DIGITS else 1,
    )


def pair_html(shelf: PairFile, query: PairQuery, say: Words) -> str:
    """The whole page; a number beyond what was found is the last one's."""
    places = shelf.find(query.which, query.q)
    at = min(query.number, max(1, len(places))) - 1
    query = query.model_copy(update={"number": at + 1})
    pair = shelf.pairs[places[at]] if places else None
    marks = differences(pair.chosen, pair.rejected) if pair and query.show == "differences" else None
    draw = formatted if query.show == "formatted" else _as_it_is
    texts = (pair.chosen, pair.rejected) if pair else ()
    return render(
        "pairs.jinja",
        Frame(shelf.name, "", "", say),
        query,
        shelf=shelf,
        pair=pair,
        found=len(places),
        trouble=trouble(pair) if pair else "",
        unlike=query.show == "differences" and marks is None,
        answers=[
            (name, Formatted(marks[at]) if marks else draw(text), len(text))
            for at, (name, text) in enumerate(zip(("Chosen", "Rejected"), texts, strict=False))
        ],
        lengths=lengths(shelf, places, say),
        filters=tuple(FILTERS),
        shows=SHOW,
    )


def lengths(shelf: PairFile, places: Sequence[int], say: Words) -> Picture | None:
    """How long the answers of these pairs are."""
    rows = [row for row in shelf.lengths(places) if row[1] or row[2]]
    most = float(max([1, *(n for _, chosen, rejected in rows for n in (chosen, rejected))]))
    bars = [
        Bars(name, (float(rejected), float(chosen)), (f"{rejected:,}", f"{chosen:,}"), ("", ""), chosen, most=most)
        for name, chosen, rejected in rows
    ]
    longer = sum(len(shelf.pairs[n].chosen) > len(shelf.pairs[n].rejected) for n in places)
    note = say("Chosen is the longer one in {longer} of {found}.", longer=f"{longer:,}", found=f"{len(places):,}")
    title = say("Lengths in characters")
    return paired("lengths", title, bars, say, of=say("Length"), note=note, names=("Rejected", "Chosen"))


def _as_it_is(text: str) -> Formatted:
    return Formatted(plain_html(text))


def show_pair(shelf: PairFile, address: str = "", language: Language = "en") -> str:
    """The page at an address: one pair, kept within what its filter and search find."""
    return pair_html(shelf, parse_pair_query(address), words(language))


def application(path: Path, front: PublicAddress | None = None) -> ASGIApp:
    """An ASGI application that serves the page at /, to who asks by a name of `front` (else of loopback).

    Raises PairsError where the file can't be read.
    """
    shelf = read_pair_file(path)

    def page(asked: PageRequest) -> str:
        return show_pair(shelf, asked.address, asked.language)

    return guarded_pages(page, str, front=front)


def serve(
    path: Path,
    *,
    port: int = 7880,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    say: Callable[[str], None] = console.say,
) -> None:
    """Serve the page until Ctrl-C or SIGTERM, on `port` or the next free one; `say` gets the address.

    Raises PairsError where the file can't be read, BlindsideError where no port is free.
    """
    app = application(path, PublicAddress.of(host))
    serve_page(lambda: app, "Pairs", host=host, port=port, open_browser=open_browser, say=say)
