"""What a server reports of the weights it loaded: their quantisation and context length."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from eval.collect.engines.http_errors import body_of
from eval.collect.engines.model_list import ListedModel
from eval.collect.engines.transport import Transport
from eval.errors import EngineError, InputError
from eval.records import Side


@dataclass(frozen=True)
class LoadedModel:
    """`quantization` as the server calls it (Q4_K_M, F16), `context` in tokens, `parameters` as a number or in words;
    each None where it is not told."""

    quantization: str | None = None
    context: int | None = None
    parameters: str | int | None = None

    def served(self) -> dict[str, Any]:
        """For run.json."""
        facts = {"quantization": self.quantization, "n_ctx": self.context, "parameters": self.parameters}
        return {name: value for name, value in facts.items() if value is not None}


async def read_loaded(transport: Transport, card: ListedModel) -> LoadedModel:
    """As llama.cpp, Ollama, LM Studio and OpenRouter tell it; nothing of others. Raises EngineUnreachable."""
    if card.owned_by == "llamacpp":
        return await _llama_cpp(transport, card)
    if card.owned_by == "library":
        return await _ollama(transport, card)
    if card.owned_by in ("organization_owner", "organization-owner"):
        return _lm_studio(await _get(transport, f"/api/v0/models/{quote(card.id, safe='')}"))
    extra = card.model_extra or {}
    provider = _mapping(extra.get("top_provider"))
    return LoadedModel(context=_count(provider.get("context_length")) or _count(extra.get("context_length")))


def refuse_mixed(served: Mapping[Side, Mapping[str, Any]]) -> None:
    """Raise InputError where both sides tell their quantisation and it differs: that would be compared too."""
    quantisations = {side: str(facts["quantization"]) for side, facts in served.items() if facts.get("quantization")}
    if len({name.upper() for name in quantisations.values()}) > 1:
        raise InputError(
            f"the base is served as {quantisations['base']} and the tuned model as {quantisations['tuned']}, so the "
            "run would compare quantisations too: serve both the same way, or allow it with --mixed-precision"
        )


async def _llama_cpp(transport: Transport, card: ListedModel) -> LoadedModel:
    """The list's `meta`; what an older server leaves out of it stands in /props."""
    meta = _mapping((card.model_extra or {}).get("meta"))
    props = await _get(transport, "/props")
    settings = _mapping(props.get("default_generation_settings"))
    return LoadedModel(
        _text(meta.get("ftype")) or _text(props.get("model_ftype")),
        _count(settings.get("n_ctx")) or _count(meta.get("n_ctx")),
        _count(meta.get("n_params")),
    )


async def _ollama(transport: Transport, card: ListedModel) -> LoadedModel:
    """/api/show on the model's file, and /api/ps on the context that it runs with, which is often much shorter."""
    reply = await transport.post("/api/show", json.dumps({"model": card.id}).encode())
    details = _mapping(body_of(reply).get("details"))
    running = (await _get(transport, "/api/ps")).get("models")
    names = {card.id, card.id.removesuffix(":latest")}
    mine = [one for one in running or () if isinstance(one, dict) and {one.get("name"), one.get("model")} & names]
    return LoadedModel(
        _text(details.get("quantization_level")),
        _count(mine[0].get("context_length")) if mine else None,
        _text(details.get("parameter_size")),
    )


def _lm_studio(body: Mapping[str, Any]) -> LoadedModel:
    context = _count(body.get("loaded_context_length")) or _count(body.get("max_context_length"))
    return LoadedModel(_text(body.get("quantization")), context)


async def _get(transport: Transport, path: str) -> dict[str, Any]:
    """The JSON object at a path; an empty one where there is none."""
    try:
        reply = await transport.get(path)
    except EngineError as error:
        if error.status is None:  # nobody answers
            raise
        return {}
    return body_of(reply) if reply.status == 200 else {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53 else None
