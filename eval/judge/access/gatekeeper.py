"""Middleware before every page: which requests are let through, and the security headers of every answer.

Pure ASGI and outermost, so that error answers and redirects pass it too. No page can make a browser leave out or forge
`Host`, `Origin` and `Sec-Fetch-*`; who can forge them (curl) has no reviewer's cookie.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from eval.judge.access.public_address import PublicAddress, host_of
from eval.judge.access.request import ClientRequest
from eval.judge.access.routes import Route, open_route

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


Header = tuple[bytes, bytes]

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors {framed_by}"
)
_NO_FRAME: Header = (b"x-frame-options", b"DENY")
OURS: tuple[Header, ...] = (
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_NAMES = frozenset(name for name, _ in (*OURS, _NO_FRAME))
_DECIDED_HERE = ("httponly", "secure", "samesite", "partitioned")


def with_security_headers(headers: Iterable[Header], *, https: bool, framed_by: str = "") -> list[Header]:
    """An answer's headers, with ours once, none that lets another site read it, and cookies closed.

    `framed_by`: the one origin whose pages may show the answer in a frame.
    """
    kept = [(name, value) for name, value in headers if not _is_theirs(name.lower())]
    closed = [(n, _closed(value, https, framed_by) if n.lower() == b"set-cookie" else value) for n, value in kept]
    policy = (b"content-security-policy", POLICY.format(framed_by=framed_by or "'none'").encode())
    return [*closed, policy, *OURS, *([] if framed_by else [_NO_FRAME])]


def _is_theirs(name: bytes) -> bool:
    return name in _NAMES or name.startswith((b"access-control-", b"content-security-policy"))


def _closed(cookie: bytes, https: bool, framed_by: str) -> bytes:
    """A cookie that no script reads, that no other site's request carries, and that TLS keeps to itself.

    In a frame of another site only SameSite=None is sent; Partitioned keeps it to that site's frame, and the
    gatekeeper refuses what others send.
    """
    parts = [part.strip() for part in cookie.decode("latin-1").split(";")]
    kept = [part for part in parts if part.partition("=")[0].strip().lower() not in _DECIDED_HERE]
    own = ["SameSite=None", "Secure", "Partitioned"] if framed_by and https else ["SameSite=Lax"]
    own += ["Secure"] if https and not framed_by else []
    return "; ".join([*kept, "HttpOnly", *own]).encode("latin-1")


#: Largest body of a request, in bytes; the longest verdict has a tenth of it.
LONGEST_BODY = 2**20
NOT_SERVED = "Not found: this server has only its page: open that."
FOREIGN = "Refused: this request came from another website: open the page at its own address."
TOO_LARGE = f"Refused: the request is larger than {LONGEST_BODY:,} bytes: send less."
BROKEN = "The server failed at this request: look at its console, then try again."


class Gatekeeper:
    """`app` for those requests only that come from its own page, by one of its own names, on one of `routes`.

    `queried`: it reads the query of an address itself.
    """

    def __init__(self, app: ASGIApp, front: PublicAddress, routes: Sequence[Route], *, queried: bool = False) -> None:
        self._app = app
        self._front = front
        self._routes = routes
        self._queried = queried

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(ClientRequest.read(scope, self._front), receive, send)
        else:  # a WebSocket: no page of ours opens one
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, asked: ClientRequest, receive: Receive, send: Send) -> None:
        answer = _Answer(send, https=asked.scheme == "https", framed_by=self._front.framed_by)
        route = open_route(self._routes, asked.method, asked.path)
        linked = route is not None and route.linked
        refusal = self._refusal(asked, route, linked=linked)
        if refusal is not None:
            await send_text(answer, *refusal)
            return
        if asked.method == "POST":
            body = await _whole(receive)
            if body is None:
                await send_text(answer, 413, TOO_LARGE)
                return
            receive = _again(body, receive)
        try:
            await self._app(asked.inner(queried=self._queried or linked), receive, answer)
        except Exception:
            if not answer.begun:
                await send_text(answer, 500, BROKEN)
            raise

    def _refusal(
        self, asked: ClientRequest, route: Route | None, *, linked: bool
    ) -> tuple[int, str] | tuple[int, str, Sequence[Header]] | None:
        """Status, sentence and headers; None for what may pass."""
        unknown = asked.unknown_host()
        if unknown is not None:
            return 403, _unknown(unknown)
        if asked.is_foreign(linked=linked):
            return 403, FOREIGN
        if self._front.path and asked.path == self._front.path:
            return 308, "The page has a / at its end.", [(b"location", f"{self._front.path}/".encode())]
        if route is None:
            return 404, NOT_SERVED
        if not _is_short(asked.says(b"content-length")):
            return 413, TOO_LARGE
        return None


class _Answer:
    """`send`, with our headers; `begun`: the status is out."""

    def __init__(self, send: Send, *, https: bool, framed_by: str) -> None:
        self._send = send
        self._https = https
        self._framed_by = framed_by
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = with_security_headers(message.get("headers", []), https=self._https, framed_by=self._framed_by)
            message = {**message, "headers": headers}
        await self._send(message)


async def send_text(send: Send, status: int, sentence: str, headers: Sequence[Header] = ()) -> None:
    """Answer with one sentence."""
    body = f"{sentence}\n".encode()
    start = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


async def _whole(receive: Receive) -> bytes | None:
    """A request's body, or None where it is too large."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LONGEST_BODY:
            return None
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """`receive` once more from the start of a body that was read already."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _is_short(length: str) -> bool:
    return not length or (length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= LONGEST_BODY)


def _unknown(host: str) -> str:
    name = host_of(host)[0]
    if not name or not (name.isascii() and name.isprintable()):
        return "Refused: the request names no known host: open the address that the server printed."
    remedy = f"open the address that it printed, or start it with --allow-host {name}"
    return f"Refused: this server is not known as {name}: {remedy}."
