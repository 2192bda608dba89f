"""`blindside pairs browse FILE`: a plain page on this machine alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from blindside import console
from eval.judge.door.front import Front
from eval.judge.door.gatekeeper import Gatekeeper
from eval.judge.door.routes import Route
from eval.judge.door.serving import present
from eval.judge.study.study import Language
from eval.report.pages.web import LANGUAGE, STAMP, Asked, pages
from eval.report.pages.words import words
from eval.report.pairs.pair_file import Shelf, read_shelf
from eval.report.pairs.views import pair_html, parse

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_say = console.say
ROUTES = (Route("GET HEAD", "/"), STAMP, LANGUAGE)


def look(shelf: Shelf, address: str = "", language: Language = "en") -> str:
    """The page at an address: one pair, kept within what its filter and search find."""
    return pair_html(shelf, parse(address), words(language))


def application(path: Path, front: Front | None = None) -> ASGIApp:
    """An ASGI application that serves the page at /, to who asks by a name of `front` (else of loopback).

    Raises PairsError where the file can't be read.
    """
    shelf = read_shelf(path)

    def page(asked: Asked) -> str:
        return look(shelf, asked.address, asked.language)

    return Gatekeeper(pages(page, str), front or Front(), ROUTES, queried=True)


def serve(
    path: Path,
    *,
    port: int = 7880,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    say: Callable[[str], None] = _say,
) -> None:
    """Serve the page until Ctrl-C or SIGTERM, on `port` or the next free one; `say` is told where.

    Raises PairsError where the file can't be read, BlindsideError where no port is free.
    """
    app = application(path, Front.of(host))
    present(lambda: app, "Pairs", host=host, port=port, open_browser=open_browser, say=say)
