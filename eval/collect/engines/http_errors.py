"""From an HTTP status to the error class that says whether to ask again, whichever protocol the server speaks."""

from __future__ import annotations

import json
from typing import Any

from eval.collect.engines.addresses import KEY_VARIABLE
from eval.collect.engines.transport import Reply
from eval.errors import EngineError, EngineOverloaded, EngineRejected

#: Statuses that pass: time-outs, conflicts, a model that is being loaded.
AGAIN = frozenset({408, 409, 424, 425})


def status_error(reply: Reply, url: str, told: str) -> EngineError:
    """The error for a reply that is none of 2xx. `told` is what the server said of it in its own format, or empty."""
    status, said = reply.status, told or reply.looks()
    if status == 429 or (status == 503 and reply.retry_after is not None):
        return EngineOverloaded(f"{url} is overloaded ({status}): {said}", status=status, retry_after=reply.retry_after)
    if status in {401, 403, 404, 405}:
        return _not_ours(status, url, told)
    if status in AGAIN or status >= 500:
        return EngineError(f"{url} failed ({status}): {said}", status=status)
    return EngineRejected(f"{url} refused the request ({status}): {said}", status=status)


def told(reply: Reply) -> str:
    """What a server said of its error: OpenAI's form, an older one of vLLM, FastAPI's, or TGI's; else nothing."""
    body = body_of(reply)
    error = body.get("error", body)
    said = error.get("message", error.get("detail")) if isinstance(error, dict) else error
    return " ".join(str(said).split())[:200] if said else ""


def body_of(reply: Reply) -> dict[str, Any]:
    """The body where it is a JSON object; else an empty one."""
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _not_ours(status: int, url: str, told: str) -> EngineError:
    """The key or the address is wrong, as far as one reply can tell."""
    because = f", {told}" if told else ""
    if status in {401, 403}:
        problem = f"{url} refuses access ({status}{because}): set {KEY_VARIABLE} to a valid key"
    else:
        place = "give the address of a TGI or OpenAI-compatible server"
        problem = f"{url} has no chat completions ({status}{because}): {place}"
    error = EngineError(problem, status=status)
    error.told = told
    return error
