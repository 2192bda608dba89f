"""GET /copied: how far verdicts are copied to the Hub, where the server's own disk may be lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI


@dataclass(frozen=True)
class CopyStatus:
    """`at`: UTC, ISO 8601, before which every verdict is copied, "" where nothing was. `waiting`: how many are not.

    `every`: seconds between two copies. `kept`: the disk outlasts the server.
    """

    at: str
    waiting: int
    every: float
    kept: bool


def with_copies(app: FastAPI, copies: Callable[[], CopyStatus]) -> FastAPI:
    """`app` with GET /copied before its other routes."""
    from fastapi.responses import JSONResponse
    from fastapi.routing import APIRoute

    def copied() -> JSONResponse:
        return JSONResponse(asdict(copies()), headers={"cache-control": "no-store"})

    app.router.routes.insert(0, APIRoute("/copied", copied, response_model=None))
    return app
