"""The login page for accounts of the Hugging Face Hub."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs

from eval.judge.access.gatekeeper import Header, send_text
from eval.judge.access.hub_accounts import HubAccounts
from eval.judge.access.hub_oauth import HubOAuth, HubRefusedError
from eval.judge.access.login import PasswordLogin

if TYPE_CHECKING:
    from anyio import CapacityLimiter
    from starlette.types import ASGIApp, Receive, Scope, Send

#: Cookie for a login under way, so that nobody can be sent back by somebody else's link.
_STATE = "blindside-state"
#: Questions to the Hub at once.
_AT_ONCE = 4
T = TypeVar("T")
_AGAIN = "open the page and log in again"


class HubLogin(PasswordLogin):
    """`PasswordLogin`, by accounts of the Hub: `page` has the link that leads there."""

    def __init__(
        self, app: ASGIApp, accounts: HubAccounts, oauth: HubOAuth, page: str, say: Callable[[str], None]
    ) -> None:
        super().__init__(app, accounts, page, say)
        self._hub_accounts = accounts
        self._oauth = oauth
        self._limiter: CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = (scope["method"], scope["path"].removeprefix(scope["root_path"])) if scope["type"] == "http" else ()
        try:
            if asked == ("GET", "/login/huggingface"):
                await self._leave(scope, send)
            elif asked == ("GET", "/login/callback"):
                await self._come_back(scope, send)
            else:
                await super().__call__(scope, receive, send)
        except HubRefusedError as error:
            self._say(f"login refused: the Hub did not say who it is ({error})")
            await send_text(send, 502, f"The Hub did not say who you are: {_AGAIN}.")

    async def _leave(self, scope: Scope, send: Send) -> None:
        state = secrets.token_urlsafe(32)
        address = await self._in_thread(self._oauth.ask, state)
        await _redirect(send, address, [_state_cookie(scope, state)])

    async def _come_back(self, scope: Scope, send: Send) -> None:
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=10)
        code, state = query.get("code", [""])[0], query.get("state", [""])[0]
        if not code or not state or not hmac.compare_digest(state.encode(), _cookie_of(scope).encode()):
            await send_text(send, 403, f"This login was not started here, or it took too long: {_AGAIN}.")
            return
        info = await self._in_thread(self._oauth.who, code)
        name = self._hub_accounts.admit(info)
        over = _state_cookie(scope, "", "; Max-Age=0")
        if not name:
            account = str(info.get("preferred_username") or "")
            self._say(f"login refused: the Hub's account {account[:100]!r} is not on the list")
            await send_text(
                send, 403, "Your Hugging Face account is not on this study's list: ask its organiser.", [over]
            )
            return
        await _redirect(send, f"{scope['root_path']}/", [over, self.enter(scope, name, "hub")])

    async def _in_thread(self, ask: Callable[[str], T], word: str) -> T:
        import anyio

        self._limiter = self._limiter or anyio.CapacityLimiter(_AT_ONCE)
        return await anyio.to_thread.run_sync(ask, word, limiter=self._limiter)


async def _redirect(send: Send, address: str, headers: list[Header]) -> None:
    await send_text(send, 303, "Go on there.", [(b"location", address.encode()), *headers])


def _state_cookie(scope: Scope, state: str, more: str = "; Max-Age=600") -> Header:
    """The gatekeeper closes it to scripts and to other sites."""
    return b"set-cookie", f"{_STATE}={state}; Path={scope['root_path']}/{more}".encode()


def _cookie_of(scope: Scope) -> str:
    sent = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
    try:
        found = SimpleCookie(sent).get(_STATE)
    except CookieError:
        return ""
    return found.value if found else ""
