"""Our answers conform to TGI's published API, where that document is at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.compose.replay import Exchange, exchanges, send
from tests.support import ROOT

pytestmark = pytest.mark.train

DOCUMENT = Path(os.environ.get("BLINDSIDE_SHARED", ROOT.parent / "shared")) / "tgi" / "openapi.json"
# The document gives /v1/models one model; TGI answers with a list. The others have no schema.
UNLIKE = {"/v1/models", "/metrics", "/health"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    if not DOCUMENT.is_file():
        pytest.skip(f"{DOCUMENT} is not here (set BLINDSIDE_SHARED)")
    loaded: dict[str, Any] = _nullable(json.loads(DOCUMENT.read_text(encoding="utf-8")))
    return loaded


def _nullable(value: Any) -> Any:
    """OpenAPI 3.0's `nullable` in terms of JSON Schema."""
    if isinstance(value, list):
        return [_nullable(one) for one in value]
    if not isinstance(value, dict):
        return value
    plain = {key: _nullable(inner) for key, inner in value.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if value.get("nullable") is True else plain


def _schema(document: dict[str, Any], exchange: Exchange, status: int, kind: str) -> dict[str, Any] | None:
    """The schema for this answer, or None where the document has none."""
    path = document["paths"].get(exchange.request["path"], {})
    operation = path.get(exchange.request["method"].lower(), {})
    content = operation.get("responses", {}).get(str(status), {}).get("content", {}).get(kind)
    return {**content["schema"], "components": document["components"]} if content else None


def test_every_kind_of_answer_conforms(document: dict[str, Any], urls: dict[str, str]) -> None:
    seen: set[tuple[str, int, str]] = set()
    wrong: dict[str, list[str]] = {}
    for exchange in (one for one in exchanges() if one.launch == "main"):
        if exchange.request["path"] in UNLIKE:
            continue
        answer = send(urls["main"], exchange)
        kind = answer["headers"].get("content-type", "")
        schema = _schema(document, exchange, answer["status"], kind)
        if schema is None:
            continue
        seen.add((exchange.request["path"], answer["status"], kind))
        found = [error.message for error in Draft202012Validator(schema).iter_errors(answer["body"])]
        if found:
            wrong[exchange.id] = found
    assert wrong == {}
    assert {path for path, _, _ in seen} >= {"/generate", "/info", "/tokenize", "/chat_tokenize"}
    assert ("/v1/chat/completions", 422, "application/json") in seen
