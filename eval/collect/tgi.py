"""Text Generation Inference, spoken with `text-generation`'s types over our own pooled session.

Its client opens a connection for every request and reads no error without a JSON body; its types and errors are good.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from text_generation.errors import parse_error
from text_generation.types import ChatComplete, ChatRequest
from text_generation.types import Message as TgiMessage

from eval.collect.engines import Completion, EngineInfo
from eval.collect.transport import KEY_VARIABLE, Reply, Transport
from eval.errors import EngineError, EngineOverloaded, EngineRejected, EngineUnreachable
from eval.records import Message


class Info(BaseModel):
    """/info: what makes a server TGI, and the limits that requests are sized by."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_id: str
    model_sha: str | None = None
    #: Called max_input_length before TGI 2.1.
    max_input_tokens: int = Field(validation_alias=AliasChoices("max_input_tokens", "max_input_length"))
    max_total_tokens: int
    max_concurrent_requests: int | None = None
    version: str = "of unknown version"
    router: str = "text-generation-router"
    docker_label: str | None = None

    def engine(self) -> str:
        product = "text-generation-inference" if self.router.startswith("text-generation") else self.router
        return f"{product} {self.version}" + (f" ({self.docker_label})" if self.docker_label else "")


class _Tokens(BaseModel):
    tokenize_response: list[Any]


_TOKENS = TypeAdapter(_Tokens)


class TgiEngine:
    """A TGI server. `template_tokens` is what the chat template adds to a one-word question, None where unknown."""

    def __init__(self, transport: Transport, info: Info, template_tokens: int | None) -> None:
        self.url = transport.url
        self._transport = transport
        self._limits = info
        self._template_tokens = template_tokens
        self.info = EngineInfo(
            name=info.engine(),
            model_id=info.model_id,
            revision=info.model_sha,
            max_concurrent=info.max_concurrent_requests,
            served=info.model_dump(),
        )

    @classmethod
    async def open(cls, transport: Transport) -> TgiEngine:
        """Ask the server what it is. Raises EngineError where it is not TGI or can't chat."""
        info = _read_info(await transport.get("/info"), transport.url)
        engine = cls(transport, info, None)
        engine._template_tokens = await engine._probe()
        return engine

    async def fit(self, messages: Sequence[Message], max_tokens: int) -> int:
        """As Engine.fit. No token is shorter than a byte, so most prompts need not be counted by the server."""
        total = self._limits.max_total_tokens
        if self._template_tokens is None or self._at_most(messages) + max_tokens <= total:
            return max_tokens
        tokens = await self._count(messages)
        if tokens > self._limits.max_input_tokens or tokens >= total:
            most = min(self._limits.max_input_tokens, total - 1)
            raise EngineRejected(f"the prompt has {tokens} tokens, and {self.url} takes {most} at most")
        return min(max_tokens, total - tokens)

    async def chat(self, messages: Sequence[Message], max_tokens: int) -> Completion:
        """As Engine.chat. Temperature 0 and max_tokens are always sent, top_p never: only that is greedy."""
        body = _request(messages, max_tokens=max_tokens, temperature=0.0)
        started = time.perf_counter()
        reply = await self._transport.post("/v1/chat/completions", body)
        latency = time.perf_counter() - started
        if reply.status != 200:
            raise_status(reply, self.url)
        return _completion(reply, self.url, latency)

    def _at_most(self, messages: Sequence[Message]) -> int:
        assert self._template_tokens is not None
        return sum(len(message.content.encode()) + self._template_tokens for message in messages)

    async def _count(self, messages: Sequence[Message]) -> int:
        """Tokens of the templated conversation, as the server counts them."""
        reply = await self._transport.post("/chat_tokenize", _request(messages))
        if reply.status != 200:
            raise_status(reply, self.url)
        try:
            return len(_TOKENS.validate_json(reply.body).tokenize_response)
        except ValidationError:
            raise EngineError(f"{self.url}/chat_tokenize answered {reply.looks()} where tokens belong") from None

    async def _probe(self) -> int | None:
        """Tokens of a one-word question; None where the server can't say. A model without a template is refused."""
        try:
            return await self._count([Message(role="user", content="a")])
        except (EngineRejected, EngineUnreachable):
            raise
        except EngineError:
            return None


def _read_info(reply: Reply, url: str) -> Info:
    if reply.status in {401, 403, 429} or reply.status >= 500:
        raise_status(reply, url)
    try:
        return Info.model_validate_json(reply.body)
    except ValidationError:
        raise EngineError(
            f"{url} does not speak Text Generation Inference's protocol: /info answered {reply.looks()} "
            f"with status {reply.status}; give the address of a TGI server",
            status=reply.status,
        ) from None


def _request(messages: Sequence[Message], **parameters: Any) -> bytes:
    turns = [TgiMessage(role=message.role, content=message.content) for message in messages]
    text: str = ChatRequest(model="tgi", messages=turns, **parameters).model_dump_json(exclude_none=True)
    return text.encode()


def _completion(reply: Reply, url: str, latency: float) -> Completion:
    try:
        answer = ChatComplete.model_validate_json(reply.body)
    except ValidationError:
        raise EngineError(f"{url} answered {reply.looks()} where a completion belongs", status=reply.status) from None
    text = answer.choices[0].message.content if answer.choices else None
    if text is None:
        raise EngineError(f"{url} answered a completion without a text", status=reply.status)
    usage = answer.usage if isinstance(answer.usage, dict) else {}
    return Completion(
        text=text,
        finish_reason=answer.choices[0].finish_reason,
        prompt_tokens=_count_of(usage, "prompt_tokens"),
        completion_tokens=_count_of(usage, "completion_tokens"),
        latency=latency,
    )


def _count_of(usage: dict[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) else None


def raise_status(reply: Reply, url: str) -> NoReturn:
    """Turn an error status into one of our errors, with TGI's own as its cause where the body is TGI's."""
    payload = _payload(reply)
    said = str(payload["error"]) if payload else reply.looks()
    cause = parse_error(reply.status, payload) if payload else None
    raise _error(reply, url, said) from cause


def _error(reply: Reply, url: str, said: str) -> EngineError:
    status = reply.status
    if status == 429:
        return EngineOverloaded(f"{url} is overloaded (429): {said}", status=429, retry_after=reply.retry_after)
    if status in {401, 403}:
        return EngineError(f"{url} refuses us ({status}): set {KEY_VARIABLE} to a key that it takes", status=status)
    if status in {404, 405}:
        return EngineError(f"{url} has no chat completions ({status}): give the address of a TGI server", status=status)
    if status == 424 or status >= 500:
        return EngineError(f"{url} failed ({status}): {said}", status=status)
    return EngineRejected(f"{url} refused the request ({status}): {said}", status=status)


def _payload(reply: Reply) -> dict[str, Any] | None:
    """TGI's error body, or None for any other."""
    try:
        payload = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) and "error" in payload else None
