"""Sending the recorded exchanges of a real TGI to another server, and finding where its answers differ."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DATA = Path(__file__).resolve().parents[1] / "data" / "tgi"
LOGPROB_TOLERANCE = 1e-4

# Who answers and when is not part of what is answered; the two limits are of requests that the engine does not take.
OWN_KEYS = frozenset(
    {"created", "system_fingerprint", "router", "version", "sha", "max_best_of", "max_client_batch_size"}
)


@dataclass(frozen=True)
class Exchange:
    """One recorded request and what TGI answered."""

    id: str
    launch: str
    group: str
    request: dict[str, Any]
    response: dict[str, Any]
    note: str


def exchanges(name: str = "exchanges.jsonl") -> list[Exchange]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [Exchange(**({"note": ""} | json.loads(line))) for line in lines]


def payload(exchange: Exchange) -> bytes | None:
    """The body as it was sent: the recording has placeholders for what JSON cannot hold, or what is too long."""
    body = exchange.request["body"]
    if body is None:
        return None
    if not isinstance(body, str):
        return json.dumps(body, ensure_ascii=False).encode()
    if long := re.search(r"x repeated (\d+) times", body):
        body = body.replace(long.group(), "x" * int(long.group(1)))
    return body.encode().replace("\ufffd".encode(), b"\xff")


def send(url: str, exchange: Exchange) -> dict[str, Any]:
    """The answer of the server at `url`, in the recording's form."""
    request = exchange.request
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    try:
        connection.request(request["method"], request["path"], body=payload(exchange), headers=request["headers"])
        answer = connection.getresponse()
        raw = answer.read()
    finally:
        connection.close()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return {"status": answer.status, "headers": headers, "body": _body(raw, headers.get("content-type", ""))}


def _body(raw: bytes, kind: str) -> Any:
    return json.loads(raw) if kind.startswith("application/json") else raw.decode("utf-8", errors="replace")


def differences(exchange: Exchange, answer: dict[str, Any]) -> list[str]:
    """Where the answer is not what TGI's was; empty when they agree. Refusals agree in status, kind and error type."""
    recorded = exchange.response
    found = [] if answer["status"] == recorded["status"] else [f"status {answer['status']}, not {recorded['status']}"]
    ours, theirs = ((one["headers"] or {}).get("content-type") for one in (answer, recorded))
    if ours != theirs:
        found.append(f"content-type: {ours!r}, not {theirs!r}")
    if recorded["status"] == 200:
        return found + list(_differ("body", _strip(answer["body"]), _strip(recorded["body"])))
    return found + list(_differ("error_type", _error_type(answer["body"]), _error_type(recorded["body"])))


def _error_type(body: Any) -> Any:
    return body.get("error_type") if isinstance(body, dict) else None


def _strip(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strip(inner) for key, inner in value.items() if key not in OWN_KEYS}
    return [_strip(inner) for inner in value] if isinstance(value, list) else value


def _differ(where: str, ours: Any, theirs: Any) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if list(ours) != list(theirs):
            yield f"{where}: keys {list(ours)}, not {list(theirs)}"
        for key in ours.keys() & theirs.keys():
            yield from _differ(f"{where}.{key}", ours[key], theirs[key])
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{where}: {len(ours)} elements, not {len(theirs)}"
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
            yield from _differ(f"{where}[{index}]", mine, other)
    elif where.endswith(".logprob") and isinstance(ours, float) and isinstance(theirs, float):
        if abs(ours - theirs) > LOGPROB_TOLERANCE:
            yield f"{where}: {ours}, not {theirs}"
    elif ours != theirs:
        yield f"{where}: {ours!r}, not {theirs!r}"
