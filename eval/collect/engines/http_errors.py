"""Maps an HTTP status to the error class that says whether to try again, for every protocol."""

from __future__ import annotations

import json
from typing import Any

from eval.collect.engines.addresses import KEY_VARIABLE
from eval.collect.engines.transport import Reply
from eval.errors import EngineError, EngineOverloaded, EngineRejected

#: Temporary statuses: time-outs, conflicts, a model that is still loading.
AGAIN = frozenset({408, 409, 424, 425})


def status_error(reply: Reply, url: str, message: str) -> EngineError:
    """The error for a reply that is none of 2xx. `message` is what the server itself said of it, or empty."""
    status, reason = reply.status, message or reply.looks()
    if status == 429 or (status == 503 and reply.retry_after is not None):
        return EngineOverloaded(
            f"{url} is overloaded ({status}): {reason}", status=status, retry_after=reply.retry_after
        )
    if status in {401, 403, 404, 405}:
        return _not_ours(status, url, message)
    if status in AGAIN or status >= 500:
        return EngineError(f"{url} failed ({status}): {reason}", status=status)
    return EngineRejected(f"{url} refused the request ({status}): {reason}", status=status)


def error_message(reply: Reply) -> str:
    """What a server said of its error: OpenAI's form, an older one of vLLM, FastAPI's, or TGI's; else nothing."""
    body = body_of(reply)
    error = body.get("error", body)
    reason = error.get("message", error.get("detail")) if isinstance(error, dict) else error
    return " ".join(str(reason).split())[:200] if reason else ""


def body_of(reply: Reply) -> dict[str, Any]:
    """The body where it is a JSON object; else an empty one."""
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _not_ours(status: int, url: str, message: str) -> EngineError:
    """The key or the address is wrong, as far as one reply can tell."""
    because = f", {message}" if message else ""
    if status in {401, 403}:
        problem = f"{url} refuses access ({status}{because}): set {KEY_VARIABLE} to a valid key"
    else:
        place = "give the address of a TGI or OpenAI-compatible server"
        problem = f"{url} has no chat completions ({status}{because}): {place}"
    error = EngineError(problem, status=status)
    error.server_message = message
    return error
