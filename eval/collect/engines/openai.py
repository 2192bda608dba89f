"""Any OpenAI-compatible server, over our own pooled session."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from eval.collect.engines.completion import completion_of
from eval.collect.engines.context_window import ContextWindow
from eval.collect.engines.http_errors import error_message, status_error
from eval.collect.engines.model_list import (
    ListedModel,
    Software,
    choose_model,
    no_engine,
    read_model_list,
    software_of,
    version_of,
)
from eval.collect.engines.protocol import Completion, EngineInfo, count_of
from eval.collect.engines.quantisation import read_loaded
from eval.collect.engines.transport import Reply, Transport
from eval.errors import EngineError, EngineRejected
from eval.records import Message

#: Greedy answers need none, but a server that draws anyway then draws the same.
SEED = 0
_ONE_WORD = (Message(role="user", content="a"),)


class _Choice(BaseModel):
    message: dict[str, Any]
    finish_reason: str | None = None


class _Answer(BaseModel):
    """What a body must have to be a completion."""

    choices: list[_Choice]
    model: str | None = None
    usage: Any = None


class OpenAiEngine:
    """One model of an OpenAI-compatible server. Without `room` its context is not known, and it may refuse."""

    def __init__(
        self,
        transport: Transport,
        info: EngineInfo,
        software: Software,
        room: ContextWindow | None = None,
        enable_thinking: bool | None = None,
    ) -> None:
        self.url = transport.url
        self.info = info
        self._transport = transport
        self._software = software
        self._room = room
        self._limit = "max_tokens"
        self._switch = {} if enable_thinking is None else software.thinking(enable_thinking)

    @classmethod
    async def open(cls, transport: Transport, wanted: str = "", enable_thinking: bool | None = None) -> OpenAiEngine:
        """Ask the server what it serves, and for one token, so that what can't work is reported at once.

        `wanted` is the model's name, needed where several are listed. Raises EngineError where the server does not
        speak this protocol or refuses the model, InputError where it is open which model is meant.
        """
        reply = await transport.get("/v1/models")
        if reply.status in {401, 403, 429} or reply.status >= 500:
            raise status_error(reply, transport.url, error_message(reply))
        cards = read_model_list(reply)
        if cards is None and wanted and reply.status in {404, 405, 501}:
            cards = []
        if cards is None:
            raise no_engine(transport.url, reply)
        card = choose_model(cards, wanted, transport.url)
        software = software_of(card)
        version = await version_of(transport, software)
        engine = cls(transport, _info(card, software, version, {}), software, enable_thinking=enable_thinking)
        answer = await engine._ask(_ONE_WORD, 1)
        # After the first answer: some load the model for it.
        found = await read_loaded(transport, card)
        engine.info = _info(card, software, version, found.served())
        if card not in cards:
            _check_name(card.id, answer.model, transport.url)
        total = card.max_model_len or found.context
        engine._room = _room(transport.url, total, count_of(answer.usage, "prompt_tokens"))
        return engine

    async def fit(self, messages: Sequence[Message], max_tokens: int) -> int:
        """As Engine.fit. A prompt that may be too long is counted by asking for one token: all servers can do that."""
        if self._room is None or self._room.surely_holds(messages, max_tokens):
            return max_tokens
        tokens = count_of((await self._ask(messages, 1)).usage, "prompt_tokens")
        return max_tokens if tokens is None else self._room.left(tokens, max_tokens)

    async def chat(self, messages: Sequence[Message], max_tokens: int) -> Completion:
        """As Engine.chat. An answer without content is an empty text; what was only reasoned is not part of it."""
        started = time.perf_counter()
        answer = await self._ask(messages, max_tokens)
        return completion_of(
            self.url,
            answer.choices[0].message,
            answer.choices[0].finish_reason,
            prompt_tokens=count_of(answer.usage, "prompt_tokens"),
            completion_tokens=count_of(answer.usage, "completion_tokens"),
            latency=time.perf_counter() - started,
        )

    async def _ask(self, messages: Sequence[Message], max_tokens: int) -> _Answer:
        """Temperature 0, no penalty, never top_p: only that is greedy everywhere."""
        body = {
            "model": self.info.model_id,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            self._limit: max_tokens,
            "temperature": 0.0,
            "frequency_penalty": 0.0,
            "seed": SEED,
            "stream": False,
            **self._software.plain,
            **self._switch,
        }
        reply = await self._transport.post("/v1/chat/completions", json.dumps(body).encode())
        if reply.status == 400 and self._limit == "max_tokens" and b"max_completion_tokens" in reply.body:
            self._limit = "max_completion_tokens"
            return await self._ask(messages, max_tokens)
        if reply.status != 200:
            raise status_error(reply, self.url, error_message(reply))
        return _completion(reply, self.url)


def _info(card: ListedModel, software: Software, version: str | None, served: Mapping[str, Any]) -> EngineInfo:
    pinned = re.search(r"@([0-9a-f]{40})$", card.id)
    return EngineInfo(
        name=software.name + (f" {version}" if version else ""),
        model_id=card.id,
        revision=pinned[1] if pinned else None,
        max_concurrent=None,
        served={"model_id": card.id, "version": version, **card.model_dump(include=_TOLD), **served},
    )


#: Fields of a model's entry that are kept in run.json.
_TOLD = {"owned_by", "root", "parent", "max_model_len", "meta"}


def _room(url: str, total: int | None, template_tokens: int | None) -> ContextWindow | None:
    if total is None or template_tokens is None:
        return None
    return ContextWindow(url, total, total - 1, template_tokens)


def _check_name(wanted: str, answered: str | None, url: str) -> None:
    """A name that no list holds must be the one that answers: some servers take any."""
    if not answered or answered.partition("@")[0] != wanted.partition("@")[0]:
        raise EngineRejected(f"{url} does not serve {wanted}: it answers as {answered or 'a model without a name'}")


def _completion(reply: Reply, url: str) -> _Answer:
    """Raises EngineError where the body is no completion: some servers send an error with status 200."""
    try:
        answer = _Answer.model_validate_json(reply.body)
    except ValidationError:
        message = error_message(reply)
        looks = f"an error ({message})" if message and b'"error"' in reply.body else reply.looks()
        raise EngineError(f"{url} answered {looks}; expected a completion", status=reply.status) from None
    if not answer.choices:
        raise EngineError(f"{url} answered a completion without a text", status=reply.status)
    return answer
