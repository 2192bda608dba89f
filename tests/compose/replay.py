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

# Who answers and when is not part of what is answered.
OWN_KEYS = frozenset({"created", "system_fingerprint", "router", "version", "sha"})
COMPARED_HEADERS = (
    "content-type",
    "allow",
    "cache-control",
    "x-accel-buffering",
    "x-compute-characters",
    "x-prompt-tokens",
    "x-generated-tokens",
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
    if kind.startswith("application/json"):
        return json.loads(raw)
    text = raw.decode("utf-8", errors="replace")
    return [line for line in text.splitlines() if line] if kind.startswith("text/event-stream") else text


def differences(exchange: Exchange, answer: dict[str, Any]) -> list[str]:
    """Where the answer is not what TGI's was; empty when they agree."""
    recorded = exchange.response
    found = [] if answer["status"] == recorded["status"] else [f"status {answer['status']}, not {recorded['status']}"]
    for name in COMPARED_HEADERS:
        ours, theirs = answer["headers"].get(name), (recorded["headers"] or {}).get(name)
        if ours != theirs:
            found.append(f"header {name}: {ours!r}, not {theirs!r}")
    return found + list(_differ("body", _plain(answer["body"]), _plain(recorded["body"])))


def _plain(body: Any) -> Any:
    """Events as values, without what is the server's own."""
    if isinstance(body, list) and all(isinstance(line, str) for line in body):
        return [_event(line) for line in body]
    if isinstance(body, dict) and isinstance(body.get("choices"), list):
        # The answers to several prompts come in any order from TGI; their index tells them apart.
        body = body | {"choices": sorted(body["choices"], key=lambda choice: choice["index"])}
    return _strip(body)


def _event(line: str) -> Any:
    data = line.removeprefix("data: ")
    return _strip(json.loads(data)) if data.startswith("{") else line


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
