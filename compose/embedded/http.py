"""What every route shares: reading a body by its schema, answering, streaming, and noticing that a client has left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from compose.embedded.protocol import ApiError
from compose.embedded.serde import JsonError, Reader, dumps
from compose.embedded.shapes import Shape

SHORT = 50_000  # bytes of a body that are read in place
LEFT = Response(status_code=499)  # goes nowhere: the client has closed the connection


class BadBody(Exception):
    """A body that was refused before any route saw it; answered in plain text, as axum does."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


async def read_body(request: Request, shape: Shape, limit: int, aside: Callable[..., Awaitable[Any]]) -> Any:
    """The request's JSON, read by `shape`; a long one by way of `aside`, in a thread.

    Raises BadBody with axum's status and sentence.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise BadBody(415, "Expected request with `Content-Type: application/json`")
    body = await _collect(request, limit)
    try:
        reader = Reader(body)
        return shape.read(reader) if len(body) <= SHORT else await aside(shape.read, reader)
    except JsonError as error:
        if error.syntax:
            raise BadBody(400, f"Failed to parse the request body as JSON: {error}") from error
        raise BadBody(422, f"Failed to deserialize the JSON body into the target type: {error}") from error


async def _collect(request: Request, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():  # read to its end even when too long: the client should see the answer
        size += len(part)
        if size <= limit:
            parts.append(part)
    if size > limit:
        raise BadBody(413, "Failed to buffer the request body: length limit exceeded")
    return b"".join(parts)


def json_response(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(dumps(body), status_code=status, headers=headers, media_type="application/json")


def event_stream(events: AsyncIterator[str], headers: Mapping[str, str]) -> Response:
    """Server-sent events; `events` yields the data of each."""

    async def lines() -> AsyncIterator[str]:
        async for data in events:
            yield f"data: {data}\n\n"

    fixed = {"content-type": "text/event-stream", "cache-control": "no-cache", "x-accel-buffering": "no"}
    return StreamingResponse(lines(), headers=fixed | dict(headers))


async def while_connected(request: Request, work: Coroutine[Any, Any, Response]) -> Response:
    """Do `work`, and drop it as soon as the client closes the connection."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else LEFT
    finally:
        gone.cancel()
        task.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, ApiError):
        return json_response(error.body, status=error.status)
    if isinstance(error, BadBody):
        return PlainTextResponse(error.text, status_code=error.status)
    return LEFT


def _no_route(request: Request, error: Exception) -> Response:
    """404 and 405 have no body in TGI; 405 names the methods."""
    assert isinstance(error, HTTPException)
    allowed = sorted((error.headers or {}).get("Allow", "").replace(" ", "").split(","))
    headers = {"allow": ",".join(allowed)} if error.status_code == 405 else {}
    return Response(status_code=error.status_code, headers=headers)


HANDLERS = {404: _no_route, 405: _no_route, ApiError: _refused, BadBody: _refused, ClientDisconnect: _refused}


class ApiKey:
    """Asks for `authorization: Bearer <key>` on the routes that generate; case does not count, as in TGI."""

    def __init__(self, app: ASGIApp, key: str, guarded: frozenset[str]) -> None:
        self.app = app
        self.expected = f"Bearer {key}".lower()
        self.guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._refuses(scope):
            allow = {} if scope["method"] == "POST" else {"allow": "POST"}
            await Response(status_code=401, headers=allow)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _refuses(self, scope: Scope) -> bool:
        if scope["path"] not in self.guarded or (scope["path"] == "/" and scope["method"] != "POST"):
            return False
        given = Request(scope).headers.get("authorization", "")
        return given.lower() != self.expected
