"""Plain pages on this machine: HTML for an address, files to download, a stamp that says when to reload.

No Gradio: these pages ask nothing of their reader but links, and are there as soon as the command is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from blindside import console
from eval.judge.access.gatekeeper import Gatekeeper
from eval.judge.access.public_address import PublicAddress
from eval.judge.access.routes import Route
from eval.judge.access.server import serve_page
from eval.judge.study.study import Language

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

_ROUTES = (Route("GET HEAD", "/"), Route("GET", "/stamp"), Route("GET", "/language/(en|zh)"))
_EXPOSED = "anyone who reaches this machine can read the results: reviewers must not, before they have judged"
_COOKIE = "blindside_language"
_FRESH = {"cache-control": "no-store"}

#: What a file holds, and its name for who saves it.
File = tuple[Callable[[], bytes], str]


@dataclass(frozen=True)
class PageRequest:
    """One request for a page: the address from its `?` on, and the reader's language."""

    address: str
    language: Language


class ServeOptions(TypedDict, total=False):
    """Where results are served: at `host`, on `port` or the next free one.

    `say` gets the address; `front`: by which other names than `host` the pages may be asked for.
    """

    port: int
    host: str
    open_browser: bool
    say: Callable[[str], None]
    front: PublicAddress | None


def serve_results(
    make: Callable[[PublicAddress], ASGIApp],
    *,
    port: int = 7870,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    say: Callable[[str], None] = console.say,
    front: PublicAddress | None = None,
) -> None:
    """Serve what `make` gives for these names until Ctrl-C or SIGTERM. Raises what `make` does.

    InputError where the address is not ours, BlindsideError where no port is free.
    """
    names = front or PublicAddress.of(host)
    serve_page(
        lambda: make(names), "Results", host=host, port=port, open_browser=open_browser, say=say, exposed=_EXPOSED
    )


def guarded_pages(
    page: Callable[[PageRequest], str],
    stamp: Callable[[], str],
    files: Mapping[str, File] | None = None,
    front: PublicAddress | None = None,
) -> ASGIApp:
    """An application that serves `page` at / and `files` at their paths, and lets no request leave the machine.

    `front`: by which names it may be asked for; else loopback's only.
    """
    routes = (*_ROUTES, *(Route("GET", re.escape(path)) for path in files or {}))
    return Gatekeeper(_pages(page, stamp, files or {}), front or PublicAddress(), routes, queried=True)


def _pages(page: Callable[[PageRequest], str], stamp: Callable[[], str], files: Mapping[str, File]) -> ASGIApp:
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
    from starlette.responses import Response as Plain
    from starlette.routing import Route as Path

    def show(request: Request) -> Response:
        return HTMLResponse(page(PageRequest(f"?{request.url.query}", _language(request))), headers=_FRESH)

    def look(_: Request) -> Response:
        return PlainTextResponse(stamp(), headers=_FRESH)

    def switch(request: Request) -> Response:
        back = RedirectResponse(f"../?{request.url.query}", status_code=303)
        back.set_cookie(_COOKIE, request.path_params["language"], max_age=31_536_000)
        return back

    def take(file: File) -> Callable[[Request], Response]:
        def send(_: Request) -> Response:
            # Names of runs are letters, digits, dot, dash and underscore: they need no quoting.
            held = {"content-disposition": f'attachment; filename="{file[1]}"', **_FRESH}
            return Plain(file[0](), media_type="text/csv", headers=held)

        return send

    return Starlette(
        routes=[
            Path("/", show),
            Path("/stamp", look),
            Path("/language/{language}", switch),
            *(Path(path, take(file)) for path, file in files.items()),
        ]
    )


def _language(request: Request) -> Language:
    """What the reader chose here, or else what their browser asks for first."""
    chosen = request.cookies.get(_COOKIE) or request.headers.get("accept-language", "")
    return "zh" if chosen.strip().lower().startswith("zh") else "en"
