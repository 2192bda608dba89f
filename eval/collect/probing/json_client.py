"""JSON requests of a prober to one server; what the server refuses raises ProbeRefused."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any, TypeVar

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from blindside.validation import field_of
from eval.collect.engines.http_errors import body_of, error_message, status_error
from eval.collect.engines.transport import Transport
from eval.collect.probing.probes import Probe
from eval.collect.probing.protocol import ProbeResult
from eval.errors import EngineError, EngineRejected, EngineUnreachable

Body = TypeVar("Body", bound=BaseModel)


class ChatMessage(BaseModel):
    """Of a chat completion, as vLLM and SGLang answer it."""

    content: str | None = None
    #: What a reasoning parser took out of the text, under its newer and its older name.
    reasoning: str | None = Field(None, validation_alias=AliasChoices("reasoning", "reasoning_content"))


class Usage(BaseModel):
    """How many tokens an answer has."""

    completion_tokens: int = 0


class ProbeRefused(Exception):
    """The server won't do this one thing."""

    def __init__(self, problem: str, *, by_template: bool = False) -> None:
        super().__init__(problem)
        self.by_template = by_template

    def result(self, probe: Probe) -> ProbeResult:
        return ProbeResult(probe, refused=str(self), by_template=self.by_template)

    def rejected(self, url: str, what: str) -> EngineRejected:
        return EngineRejected(f"{url} refuses a {what}: {self}", status=422)


class JsonClient:
    """JSON requests to one server. A status of `refusals` raises ProbeRefused, another error EngineError."""

    def __init__(self, transport: Transport, *, refusals: frozenset[int] = frozenset({400, 422})) -> None:
        self.transport = transport
        self.url = transport.url
        self._refusals = refusals

    async def get(self, path: str) -> dict[str, Any]:
        """The object at `path`; empty where there is none."""
        reply = await self.transport.get(path)
        return body_of(reply) if reply.status == 200 else {}

    async def post(self, kind: type[Body], path: str, **body: Any) -> Body:
        reply = await self.transport.post(path, json.dumps(body).encode())
        if reply.status in self._refusals:
            raise ProbeRefused(error_message(reply) or reply.looks())
        if reply.status != 200:
            raise status_error(reply, self.url, error_message(reply))
        try:
            return kind.model_validate_json(reply.body)
        except ValidationError as error:
            raise EngineError(f"{self.url}{path} answered {reply.looks()}, without {field_of(error)}") from None


async def supports(asking: Awaitable[bool]) -> bool:
    """Whether a server answers what was asked; a refusal, a missing route or another kind of answer is no.

    Raises EngineError where the server is gone, overloaded or broken: then nothing is known of it.
    """
    try:
        return await asking
    except ProbeRefused:
        return False
    except EngineUnreachable:
        raise
    except EngineError as error:
        if error.status not in {None, 404, 405, 501}:
            raise
        return False
