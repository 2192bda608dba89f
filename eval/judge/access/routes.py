"""The allowed routes: everything that the pages use, and nothing else that Gradio serves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """Methods, with a blank between, and the whole path as a regular expression.

    `linked`: another site may send a tab there, and what it says in the query is passed on.
    """

    methods: str
    path: str
    linked: bool = False

    def fits(self, method: str, path: str) -> bool:
        return method in self.methods.split() and re.fullmatch(self.path, path) is not None


_FILE = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
PAGE: Sequence[Route] = (
    Route("GET HEAD", "/"),
    Route("GET", f"/assets/{_FILE}"),
    Route("GET", r"/static/js/iframeResizer\.contentWindow\.min\.js"),
    Route("GET", r"/theme\.css"),
    Route("GET", r"/favicon\.ico"),
    # By these a page gives its state up when it closes, and notices that the server was started again.
    Route("GET", r"/gradio_api/heartbeat/[a-z0-9]{1,40}"),
    Route("GET", "/gradio_api/app_id"),
    # Every event of ours; the body says which.
    Route("POST", "/gradio_api/run/predict"),
)
LOGIN: Sequence[Route] = (Route("POST", "/login"), Route("POST", "/logout"))
#: Logging in with an account of the Hub: there, and back from it.
HUB_LOGIN: Sequence[Route] = (
    Route("GET", "/login/huggingface"),
    Route("GET", "/login/callback", linked=True),
    Route("POST", "/logout"),
)
#: When the verdicts were copied, where the server copies them.
COPIES: Sequence[Route] = (Route("GET", "/copied"),)


def open_route(routes: Sequence[Route], method: str, path: str) -> Route | None:
    """The route that a request takes; None where there is none."""
    return next((route for route in routes if route.fits(method, path)), None)
