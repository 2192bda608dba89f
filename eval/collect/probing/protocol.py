"""What a server makes of one probe, and what every prober of servers can do."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from blindside.validation import field_of
from eval.collect.engines.http_errors import body_of, error_message, status_error
from eval.collect.engines.transport import Transport
from eval.collect.probing.probes import Chat, Probe
from eval.collect.probing.proofs import Proof
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


@dataclass(frozen=True)
class Identity:
    """What a server says it serves, and what its engine can tell. `name` is the engine's, with its version."""

    name: str
    model_id: str
    revision: str | None
    proof: Proof
    #: Whether it is TGI itself, whose sliding windows are other ones.
    is_tgi: bool = False


@dataclass(frozen=True)
class Token:
    """A token as the server wrote it; no log-probability for the first of a prompt, or where it gives none."""

    id: int
    text: str
    logprob: float | None


@dataclass(frozen=True)
class ProbeResult:
    """What one server made of one probe. `refused` says why nothing was answered, and then the rest is empty.

    `text` is what was sent and tokenized by the server: the probe's own text, or for some engines the templated
    conversation. `scored` tells whether the server gave log-probabilities of the prompt; `limit` is how many tokens
    the answer could have.
    """

    probe: Probe
    refused: str = ""
    #: Whether the refusal came from the chat template.
    by_template: bool = False
    text: str = ""
    templated: str = ""
    #: Whether `templated` is the server's own text; else it was made of its tokens, and may lack a blank.
    verbatim: bool = True
    chat_ids: tuple[int, ...] = ()
    prompt: tuple[Token, ...] = ()
    scored: bool = False
    answer: tuple[Token, ...] = ()
    finish: str = ""
    limit: int = 0
    answer_text: str = ""
    #: Of /v1/chat/completions for the same conversation: text, finish reason, tokens.
    chat_answer: tuple[str, str, int] | None = None
    #: Whether the tokens are known by their number alone, and have no ids yet.
    by_text: bool = False
    #: How the server's tokens differ from the saved tokenizer's where ids could not be given to them.
    parted: str = ""

    @property
    def ids(self) -> list[int]:
        return [] if self.by_text else [token.id for token in (*self.prompt, *self.answer)]

    @property
    def prompt_ids(self) -> list[int]:
        return [] if self.by_text else [token.id for token in self.prompt]

    def with_ids(self, ids: Sequence[int]) -> ProbeResult:
        """The same with the saved tokenizer's ids, where their number is the server's."""
        if not self.by_text:
            return self
        if len(ids) != len(self.prompt):
            parted = f"the server makes {len(self.prompt)} tokens of it, the saved tokenizer {len(ids)}"
            return ProbeResult(self.probe, text=self.text, parted=parted)
        tokens = tuple(Token(id, one.text, one.logprob) for id, one in zip(ids, self.prompt, strict=True))
        return ProbeResult(self.probe, text=self.text, prompt=tokens, scored=self.scored, limit=self.limit)


class Prober(Protocol):
    """Asks one server. All calls raise EngineError where it does not answer, or not in its protocol's words."""

    url: str
    identity: Identity

    async def probe(self, probe: Probe) -> ProbeResult:
        """All that the server says to one probe, with one request in flight."""
        ...

    async def render(self, chat: Chat) -> tuple[str, tuple[int, ...]]:
        """A conversation as the server's template writes it, ready for an answer, and its tokens.

        Raises EngineRejected where the server refuses it.
        """
        ...

    async def score(self, text: str) -> tuple[Token, ...]:
        """The tokens of a templated `text` with their log-probabilities, natural logarithm; the first of all has none.

        Raises EngineRejected where the text is too long, EngineError where the server gives no log-probabilities.
        """
        ...


class ProbeRefused(Exception):
    """The server won't do this one thing."""

    def __init__(self, problem: str, *, by_template: bool = False) -> None:
        super().__init__(problem)
        self.by_template = by_template

    def result(self, probe: Probe) -> ProbeResult:
        return ProbeResult(probe, refused=str(self), by_template=self.by_template)

    def rejected(self, url: str, what: str) -> EngineRejected:
        return EngineRejected(f"{url} refuses a {what}: {self}", status=422)


class ChatOrTextProber(ABC):
    """A Prober for servers with one route for conversations and another for texts."""

    async def probe(self, probe: Probe) -> ProbeResult:
        """As Prober.probe."""
        try:
            return await (self._chat(probe) if probe.chat else self._text(probe))
        except ProbeRefused as refusal:
            return refusal.result(probe)

    @abstractmethod
    async def _chat(self, probe: Probe) -> ProbeResult: ...

    @abstractmethod
    async def _text(self, probe: Probe) -> ProbeResult: ...


class JsonClient:
    """JSON requests to one server. A status of `refusals` raises Refused, another error EngineError."""

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


def no_log_probabilities(url: str, proof: Proof) -> EngineError:
    """For an engine that was asked for the log-probabilities of a prompt and gave none."""
    return EngineError(f"{url} gives no log-probabilities of a prompt: {proof.remedy}")


def says_no_template(refusal: str) -> bool:
    """Whether a server says that it has no template: in TGI's words, or in transformers', which others pass on."""
    said = refusal.lower()
    return "template not found" in said or ("chat template" in said and ("must provide" in said or "not set" in said))


async def fit_to_tokens(
    text: str, most: int, tokenize: Callable[[str], Awaitable[Sequence[int]]]
) -> tuple[str, list[int]]:
    """As much of the text's beginning as has `most` tokens at most, and its tokens."""
    while len(ids := await tokenize(text)) > most:
        text = text[: min(len(text) - 1, len(text) * most // len(ids))]
    return text, list(ids)
