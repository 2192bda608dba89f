"""The login page with name and password; nothing else is served before."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from eval.judge.access.gatekeeper import send_text
from eval.judge.access.login_limits import LoginLimiter, TooManyAttempts
from eval.judge.access.sessions import Accounts, Sessions
from eval.judge.study.names import LONGEST_NAME, clean_name

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

#: Key in a request's scope for the reviewer's name.
REVIEWER = "blindside.reviewer"
#: A page polls this, notices a restarted server and reloads; then it shows the login page.
_FOR_ALL = "/gradio_api/app_id"


class PasswordLogin:
    """`app` for who is logged in, whose name is put into the scope; `page` (HTML) at / for who is not.

    `say` gets each failed login.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts, page: str, say: Callable[[str], None]) -> None:
        self._app = app
        self._accounts = accounts
        self._page = page.encode()
        self._say = say
        self._guesses = LoginLimiter(accounts.check)
        self._sessions = Sessions(accounts)
        # Of this process alone: a browser sends the cookies of all servers on this machine to each of them.
        self._cookie = f"blindside-{secrets.token_hex(4)}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = scope["method"], scope["path"].removeprefix(scope["root_path"])
        name = self._logged_in(scope)
        if asked == ("POST", "/login"):
            await self._log_in(scope, receive, send)
        elif asked == ("POST", "/logout"):
            await self._log_out(scope, send)
        elif name or asked == ("GET", _FOR_ALL):
            await self._app({**scope, REVIEWER: name}, receive, send)
        elif asked[1] == "/":
            await self._show(send)
        else:
            await send_text(send, 401, "Not logged in: open the page and log in.")

    def _logged_in(self, scope: Scope) -> str:
        return next(filter(None, map(self._sessions.name, self._tokens(scope))), "")

    def _tokens(self, scope: Scope) -> list[str]:
        sent = (value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
        cookies = (part.strip().partition("=") for value in sent for part in value.split(";"))
        return [value for name, _, value in cookies if name == self._cookie]

    async def _show(self, send: Send) -> None:
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._page})

    async def _log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A new token for the right password, whatever cookie came along."""
        name, password = _form((await receive()).get("body", b""))
        fingerprint = self._accounts.fingerprint(name)
        try:
            right = await self._guesses.check(name, password)
        except TooManyAttempts as error:
            retry = (b"retry-after", str(error.seconds).encode())
            await send_text(send, 429, f"Too many attempts: try again in {error.seconds} s.", [retry])
            return
        if not right:
            self._tell_failure(scope, name)
            await send_text(send, 401, "Incorrect name or password: try again.")
            return
        await send_text(send, 200, "Logged in.", [self.enter(scope, name, fingerprint)])

    def enter(self, scope: Scope, name: str, fingerprint: str) -> tuple[bytes, bytes]:
        """Log in who proved to be `name`; the header that gives the browser its new token."""
        self._end(scope)
        return self._set_cookie(scope, self._sessions.start(clean_name(name)[0], fingerprint))

    async def _log_out(self, scope: Scope, send: Send) -> None:
        self._end(scope)
        await send_text(send, 200, "Logged out.", [self._set_cookie(scope, "", "; Max-Age=0")])

    def _end(self, scope: Scope) -> None:
        for token in self._tokens(scope):
            self._sessions.end(token)

    def _set_cookie(self, scope: Scope, token: str, more: str = "") -> tuple[bytes, bytes]:
        """The gatekeeper closes it to scripts and to other sites."""
        return b"set-cookie", f"{self._cookie}={token}; Path={scope['root_path']}/{more}".encode()

    def _tell_failure(self, scope: Scope, name: str) -> None:
        client = scope.get("client")
        times = self._guesses.failures(name)
        self._say(f"login refused: {_shown(name)} from {_shown(client[0] if client else '')} ({times} in a row)")


def _form(body: bytes) -> tuple[str, str]:
    """(name, password) of a form; empty where there is none."""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return "", ""
    return fields.get("username", [""])[0], fields.get("password", [""])[0]


def _shown(text: str) -> str:
    """A stranger's words on the console: one line, and nothing that a terminal would obey."""
    return f"{text[:LONGEST_NAME]!r}{'…' if len(text) > LONGEST_NAME else ''}"
