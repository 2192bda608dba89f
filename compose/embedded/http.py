"""What all routes share: reading a body, answering, refusing, noticing that a client has left."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from compose.embedded.protocol import ApiError, dumps
from compose.embedded.requests import Body

B = TypeVar("B", bound=Body)
LEFT = Response(status_code=499)  # goes nowhere: the client has closed the connection


class BadBody(Exception):
    """A body that was refused before any route saw it; answered in plain text, as TGI's router does."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


async def read_body(request: Request, kind: type[B], limit: int) -> B:
    """The request's JSON as a `kind`.

    Raises BadBody: 415 for another type of content, 413 if too long, 400 for no JSON, 422 for the wrong shape.
    """
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/json" and not (
        content_type.startswith("application/") and content_type.endswith("+json")
    ):
        raise BadBody(415, "Expected request with `Content-Type: application/json`")
    raw = await _collect(request, limit)
    try:
        value = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise BadBody(400, f"Failed to parse the request body as JSON: {error}") from error
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise BadBody(422, f"Failed to deserialize the JSON body into the target type: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    """The first mistake with its path; never the value, which may be two megabytes long."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(step) for step in found["loc"])
    return f"{path}: {found['msg']}" if path else found["msg"]


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


def json_response(body: Any, status: int = 200) -> Response:
    return Response(dumps(body), status_code=status, media_type="application/json")


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
        return json_response(error.body, error.status)
    if isinstance(error, BadBody):
        return PlainTextResponse(error.text, status_code=error.status)
    return LEFT


def _no_route(request: Request, error: Exception) -> Response:
    """404 and 405 have no body in TGI."""
    assert isinstance(error, HTTPException)
    return Response(status_code=error.status_code, headers=error.headers)


HANDLERS = {404: _no_route, 405: _no_route, ApiError: _refused, BadBody: _refused, ClientDisconnect: _refused}
