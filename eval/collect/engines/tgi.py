"""Text Generation Inference, spoken with `text-generation`'s types over our own pooled session.

Its client opens a connection for every request and reads no error without a JSON body; its types and errors are good.
The package is the extra `tgi`: import this module only where `tgi_info.read_info` found a TGI server.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

from pydantic import BaseModel, TypeAdapter, ValidationError
from text_generation.errors import parse_error
from text_generation.types import ChatComplete, ChatRequest
from text_generation.types import Message as TgiMessage

from eval.collect.engines.completion import completion_of
from eval.collect.engines.context_window import ContextWindow
from eval.collect.engines.protocol import Completion, EngineInfo, count_of
from eval.collect.engines.tgi_info import Info, error_body, refusal
from eval.collect.engines.transport import Reply, Transport
from eval.errors import EngineError, EngineRejected, EngineUnreachable
from eval.records import Message


class _Tokens(BaseModel):
    tokenize_response: list[Any]


_TOKENS = TypeAdapter(_Tokens)
_LONGEST_CHARACTER = 4  # bytes of UTF-8, each of which may be a token


class TgiEngine:
    """A TGI server. Without `room` its context is not known, and every prompt is sent as it is."""

    def __init__(self, transport: Transport, info: Info, room: ContextWindow | None = None) -> None:
        self.url = transport.url
        self._transport = transport
        self._room = room
        self.info = EngineInfo(
            name=info.engine(),
            model_id=info.model_id,
            revision=info.model_sha,
            max_concurrent=info.max_concurrent_requests,
            served=info.model_dump(),
        )

    @classmethod
    async def open(cls, transport: Transport, info: Info) -> TgiEngine:
        """The server that said `info` of itself. Raises EngineError where it can't chat."""
        tokens = await cls(transport, info)._probe()
        if tokens is None:
            return cls(transport, info)
        return cls(transport, info, ContextWindow(transport.url, info.max_total_tokens, info.max_input_tokens, tokens))

    async def fit(self, messages: Sequence[Message], max_tokens: int) -> int:
        """As Engine.fit."""
        if self._room is None or self._room.surely_holds(messages, max_tokens):
            return max_tokens
        return self._room.left(await self._count(messages), max_tokens)

    async def chat(self, messages: Sequence[Message], max_tokens: int) -> Completion:
        """As Engine.chat. An answer that was cut inside a character comes back without any text: it is asked for again
        with a token more, until the character is whole."""
        latency = 0.0
        for more in range(_LONGEST_CHARACTER):
            answer = await self._complete(messages, max_tokens + more)
            latency += answer.latency
            if not _torn(answer):
                return replace(answer, latency=latency)
        raise EngineRejected(
            f"{self.url} counts {max_tokens} tokens and gives no text, nor with {_LONGEST_CHARACTER - 1} more: the "
            "answer is cut inside a character; give another --max-tokens"
        )

    async def _complete(self, messages: Sequence[Message], max_tokens: int) -> Completion:
        """Temperature 0 and max_tokens are always sent, top_p never: only that is greedy."""
        body = _request(messages, max_tokens=max_tokens, temperature=0.0)
        started = time.perf_counter()
        reply = await self._transport.post("/v1/chat/completions", body)
        latency = time.perf_counter() - started
        if reply.status != 200:
            _raise_status(reply, self.url)
        return _completion(reply, self.url, latency)

    async def _count(self, messages: Sequence[Message]) -> int:
        """Tokens of the templated conversation, as the server counts them."""
        reply = await self._transport.post("/chat_tokenize", _request(messages))
        if reply.status != 200:
            _raise_status(reply, self.url)
        try:
            return len(_TOKENS.validate_json(reply.body).tokenize_response)
        except ValidationError:
            raise EngineError(f"{self.url}/chat_tokenize answered {reply.looks()}; expected tokens") from None

    async def _probe(self) -> int | None:
        """Tokens of a one-word question; None where the server can't say. A model without a template is refused."""
        try:
            return await self._count([Message(role="user", content="a")])
        except (EngineRejected, EngineUnreachable):
            raise
        except EngineError:
            return None


def _torn(answer: Completion) -> bool:
    """Whether TGI kept the text back because its end is half a character."""
    return not answer.text and answer.finish_reason == "length" and (answer.completion_tokens or 0) > 1


def _request(messages: Sequence[Message], **parameters: Any) -> bytes:
    turns = [TgiMessage(role=message.role, content=message.content) for message in messages]
    text: str = ChatRequest(model="tgi", messages=turns, **parameters).model_dump_json(exclude_none=True)
    return text.encode()


def _completion(reply: Reply, url: str, latency: float) -> Completion:
    try:
        answer = ChatComplete.model_validate_json(reply.body)
    except ValidationError:
        raise EngineError(f"{url} answered {reply.looks()}; expected a completion", status=reply.status) from None
    text = answer.choices[0].message.content if answer.choices else None
    if text is None:
        raise EngineError(f"{url} answered a completion without a text", status=reply.status)
    return completion_of(
        url,
        {"content": text},
        answer.choices[0].finish_reason,
        prompt_tokens=count_of(answer.usage, "prompt_tokens"),
        completion_tokens=count_of(answer.usage, "completion_tokens"),
        latency=latency,
    )


def _raise_status(reply: Reply, url: str) -> NoReturn:
    """Turn an error status into one of our errors, with TGI's own as its cause where the body is TGI's."""
    payload = error_body(reply)
    raise refusal(reply, url) from (parse_error(reply.status, payload) if payload else None)
