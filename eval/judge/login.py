"""The page's front door: Gradio keeps the logins, and who has none is shown a login page in our look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fastapi import FastAPI
    from gradio.routes import App
    from starlette.types import ASGIApp, Receive, Scope, Send


class Accounts(Protocol):
    """Who may log in."""

    def check(self, name: str, password: str) -> bool: ...


def checker(accounts: Accounts) -> Callable[[str, str], Awaitable[bool]]:
    """Gradio's `auth`: a password takes its time to check, and the other reviewers do not wait for it."""
    from starlette.concurrency import run_in_threadpool

    async def check(name: str, password: str) -> bool:
        return await run_in_threadpool(accounts.check, name, password)

    return check


def with_door(app: FastAPI, page: str) -> FastAPI:
    """`app` with `page` (HTML) shown at / to whoever is not logged in at the Gradio application mounted last."""
    from gradio.routes import App

    inner = next(at for at in (getattr(route, "app", None) for route in app.routes) if isinstance(at, App))
    app.add_middleware(_Door, inner=inner, page=page)
    return app


class _Door:
    def __init__(self, app: ASGIApp, inner: App, page: str) -> None:
        self._app = app
        self._inner = inner
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.responses import HTMLResponse

        if scope["type"] == "http" and scope["path"] == "/" and not self._is_known(scope):
            await HTMLResponse(self._page, headers={"cache-control": "no-store"})(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        from starlette.requests import HTTPConnection

        cookies = HTTPConnection(scope).cookies
        names = (f"{kind}-{self._inner.cookie_id}" for kind in ("access-token", "access-token-unsecure"))
        return any(cookies.get(name) in self._inner.tokens for name in names)
