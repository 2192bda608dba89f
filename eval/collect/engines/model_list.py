"""/v1/models of an OpenAI-compatible server: its models, and the software behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from blindside.words import counted
from eval.collect.engines.transport import Reply, Transport
from eval.errors import EngineError, InputError


class ListedModel(BaseModel):
    """One entry of /v1/models, with whatever else it says (engines.precision). `max_model_len`, the context in
    tokens, is reported by vLLM and SGLang."""

    model_config = ConfigDict(protected_namespaces=(), extra="allow")

    id: str
    owned_by: str | None = None
    root: str | None = None
    parent: str | None = None
    max_model_len: int | None = None


def template_switch(on: bool) -> dict[str, Any]:
    """The chat template's own switch, as vLLM, SGLang and llama.cpp take it."""
    return {"chat_template_kwargs": {"enable_thinking": on}}


@dataclass(frozen=True)
class Software:
    """A server whose maker is known by `owned_by`: where it tells its version, and what keeps it greedy.

    `plain` undoes sampling defaults that it would take from the model's generation_config.json, a repetition penalty
    above all, and caches that round otherwise. `thinking` is how it takes the switch for thinking.
    """

    name: str = "OpenAI-compatible server"
    path: str = ""
    key: str = "version"
    plain: Mapping[str, Any] = field(default_factory=dict)
    thinking: Callable[[bool], Mapping[str, Any]] = template_switch


SOFTWARE: Mapping[str, Software] = {
    "vllm": Software("vLLM", "/version", plain={"repetition_penalty": 1.0}),
    "sglang": Software("SGLang", "/get_server_info", plain={"repetition_penalty": 1.0}),
    "llamacpp": Software("llama.cpp", "/props", "build_info", {"repeat_penalty": 1.0, "cache_prompt": False}),
    "library": Software("Ollama", "/api/version", thinking=lambda on: {"reasoning_effort": "medium" if on else "none"}),
    "organization_owner": Software("LM Studio"),
    "organization-owner": Software("LM Studio"),
}
OPENROUTER = Software("OpenRouter", thinking=lambda on: {"reasoning": {"enabled": on}})


def software_of(card: ListedModel) -> Software:
    """By the maker that the list names, or by what only one maker's list says."""
    if card.model_extra and "top_provider" in card.model_extra:
        return OPENROUTER
    return SOFTWARE.get(card.owned_by or "", Software())


def read_model_list(reply: Reply) -> list[ListedModel] | None:
    """The models that /v1/models lists: under data or models, or as a bare list; None where the answer is none."""
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    listed = body.get("data", body.get("models")) if isinstance(body, dict) and "error" not in body else body
    if isinstance(body, dict) and listed is None and {"data", "models"} & body.keys():
        return []
    if reply.status != 200 or not isinstance(listed, list):
        return None
    try:
        return [ListedModel.model_validate(_listed_model(one)) for one in listed]
    except ValidationError:
        return None


def _listed_model(one: Any) -> Any:
    """An entry of a list of models: a name, or an object that has it as id, name or model."""
    if isinstance(one, str):
        return {"id": one}
    if isinstance(one, dict) and "id" not in one:
        return {**one, "id": one.get("name") or one.get("model")}
    return one


def choose_model(cards: list[ListedModel], wanted: str, url: str) -> ListedModel:
    """The one to ask for: the one `wanted`, listed or not, else the only one. Raises InputError where that is open."""
    if wanted:
        return next((card for card in cards if card.id == wanted), ListedModel(id=wanted))
    if len(cards) == 1:
        return cards[0]
    listed = ", ".join(card.id for card in cards[:10]) + (", …" if len(cards) > 10 else "")
    found = f"serves {counted(len(cards), 'model')} ({listed})" if cards else "lists no model"
    raise InputError(f"{url} {found}: append the right name to the address, as in {url}#{_example(cards)}")


def _example(cards: list[ListedModel]) -> str:
    return cards[0].id if cards else "name"


async def version_of(transport: Transport, software: Software) -> str | None:
    """The software's version, where it tells one. Raises EngineUnreachable."""
    if not software.path:
        return None
    reply = await transport.get(software.path)
    try:
        return str(json.loads(reply.body)[software.key])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def no_engine(url: str, reply: Reply) -> EngineError:
    """For an address where neither protocol is spoken."""
    return EngineError(
        f"{url} speaks neither Text Generation Inference's protocol nor OpenAI's: /v1/models answered {reply.looks()} "
        f"with status {reply.status}; give the address of a server that does, or, where it lists no models, name one "
        f"behind it, as in {url}#name",
        status=reply.status,
    )
