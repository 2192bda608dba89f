"""What a TGI server makes of a probe: its template, its tokens, their log-probabilities, and where it ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from eval.collect.probes import Chat, Probe
from eval.collect.tgi_info import Info, read_info, refusal
from eval.collect.transport import Reply, Transport
from eval.errors import EngineError, EngineRejected

#: Tokens that are generated for a conversation, so that its end is seen, and for a text.
CHAT_TOKENS, TEXT_TOKENS = 96, 16


@dataclass(frozen=True)
class Token:
    """A token as the server wrote it; no log-probability for the first of a prompt, or where it gives none."""

    id: int
    text: str
    logprob: float | None


@dataclass(frozen=True)
class Heard:
    """What one server made of one probe. `refused` says why nothing was answered, and then the rest is empty.

    `text` is what was sent to /generate: the templated conversation, or the probe's own text. `scored` tells whether
    the server gave log-probabilities of the prompt; `limit` is how many tokens the answer could have.
    """

    probe: Probe
    refused: str = ""
    #: Whether the refusal came from the chat template.
    by_template: bool = False
    text: str = ""
    templated: str = ""
    chat_ids: tuple[int, ...] = ()
    prompt: tuple[Token, ...] = ()
    scored: bool = False
    answer: tuple[Token, ...] = ()
    finish: str = ""
    limit: int = 0
    answer_text: str = ""
    #: Of /v1/chat/completions for the same conversation: text, finish reason, tokens.
    chat_answer: tuple[str, str, int] | None = None

    @property
    def ids(self) -> list[int]:
        return [token.id for token in (*self.prompt, *self.answer)]

    @property
    def prompt_ids(self) -> list[int]:
        return [token.id for token in self.prompt]


class _Token(BaseModel):
    id: int
    text: str = ""
    logprob: float | None = None


class _Span(_Token):
    """Of /tokenize: where a token lies in the text, in bytes."""

    start: int


class _Details(BaseModel):
    finish_reason: str
    prefill: list[_Token] = []
    tokens: list[_Token]


class _Generated(BaseModel):
    generated_text: str
    details: _Details


class _ChatTokens(BaseModel):
    tokenize_response: list[_Token]
    templated_text: str


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str


class _Usage(BaseModel):
    completion_tokens: int


class _Completion(BaseModel):
    choices: list[_Choice]
    usage: _Usage


class _Refused(Exception):
    """A 422: the server won't do this one thing. `kind` is TGI's error_type."""

    def __init__(self, problem: str, kind: str) -> None:
        super().__init__(problem)
        self.kind = kind


_SPANS = TypeAdapter(list[_Span])
Body = TypeVar("Body", bound=BaseModel)


class Listener:
    """Asks one TGI server. Raises EngineError where it does not answer, or not in TGI's words."""

    def __init__(self, transport: Transport, info: Info) -> None:
        self.transport = transport
        self.info = info

    @classmethod
    async def open(cls, transport: Transport) -> Listener | None:
        """None where the server is not TGI. Raises EngineError as `read_info`."""
        info = read_info(await transport.get("/info"), transport.url)
        return cls(transport, info) if info else None

    async def hear(self, probe: Probe) -> Heard:
        """All that the server says to one probe, with one request in flight."""
        try:
            return await (self._chat(probe) if probe.chat else self._text(probe))
        except _Refused as refusal:
            return Heard(probe, refused=str(refusal), by_template=refusal.kind == "template_error")

    async def render(self, chat: Chat) -> tuple[str, tuple[int, ...]]:
        """A conversation as the server's template writes it, ready for an answer, and its tokens.

        Raises EngineRejected where the server refuses it.
        """
        try:
            body = await self._post(_ChatTokens, "/chat_tokenize", model="tgi", messages=chat)
        except _Refused as refusal:
            raise EngineRejected(f"{self.transport.url} refuses a conversation: {refusal}", status=422) from None
        return body.templated_text, tuple(token.id for token in body.tokenize_response)

    async def score(self, text: str) -> tuple[Token, ...]:
        """The tokens of `text` with their log-probabilities, natural logarithm; the first of all has none.

        Raises EngineRejected where the text is too long, EngineError where the server gives no log-probabilities.
        """
        try:
            heard = await self._generate(Probe("score"), text, 1)
        except _Refused as refusal:
            raise EngineRejected(f"{self.transport.url} refuses a text: {refusal}", status=422) from None
        if not heard.scored:
            raise EngineError(
                f"{self.transport.url} gives no log-probabilities of a prompt: start it with --enable-prefill-logprobs"
            )
        return heard.prompt

    async def _chat(self, probe: Probe) -> Heard:
        tokens = await self._post(_ChatTokens, "/chat_tokenize", model="tgi", messages=probe.chat)
        ids = tuple(token.id for token in tokens.tokenize_response)
        limit = self._limit(len(ids) + 1, CHAT_TOKENS)
        heard = await self._generate(probe, tokens.templated_text, limit)
        if ids and tuple(heard.prompt_ids) == (ids[0], *ids):
            # /generate adds a BOS even where the text begins with one; then the text goes without.
            heard = await self._generate(
                probe, tokens.templated_text.removeprefix(tokens.tokenize_response[0].text), limit
            )
        done = await self._complete(probe.chat, limit)
        return replace(heard, templated=tokens.templated_text, chat_ids=ids, chat_answer=done)

    async def _text(self, probe: Probe) -> Heard:
        spans = await self._spans(probe.text)
        most = self.info.max_input_tokens - TEXT_TOKENS - 2
        text = probe.text
        if len(spans) > most:  # offsets are in bytes
            text = text.encode()[: spans[most].start].decode(errors="ignore")
        return await self._generate(probe, text, self._limit(min(len(spans), most), TEXT_TOKENS))

    def _limit(self, tokens: int, wanted: int) -> int:
        return max(1, min(wanted, self.info.max_total_tokens - tokens))

    async def _generate(self, probe: Probe, text: str, limit: int) -> Heard:
        """The greedy continuation of `text`, with all that the server tells of it."""
        # No temperature at all: any value would sample.
        given = {"max_new_tokens": limit, "do_sample": False, "details": True, "decoder_input_details": True}
        body = await self._post(_Generated, "/generate", inputs=text, parameters=given)
        prompt = [Token(one.id, one.text, one.logprob) for one in body.details.prefill]
        scored = bool(prompt)
        if not scored:
            prompt = [Token(span.id, span.text, None) for span in await self._spans(text)]
        return Heard(
            probe,
            text=text,
            prompt=tuple(prompt),
            scored=scored,
            answer=tuple(Token(one.id, one.text, one.logprob) for one in body.details.tokens),
            finish=body.details.finish_reason,
            limit=limit,
            answer_text=body.generated_text,
        )

    async def _complete(self, chat: Chat, limit: int) -> tuple[str, str, int]:
        path, given = "/v1/chat/completions", {"max_tokens": limit, "temperature": 0.0}
        body = await self._post(_Completion, path, model="tgi", messages=chat, **given)
        if not body.choices:
            raise EngineError(f"{self.transport.url} answered a completion without a text")
        choice = body.choices[0]
        return choice.message.content or "", choice.finish_reason, body.usage.completion_tokens

    async def _spans(self, text: str) -> list[_Span]:
        """The tokens that /generate makes of `text`."""
        reply = await self._send("/tokenize", {"inputs": text})
        try:
            return _SPANS.validate_json(reply.body)
        except ValidationError:
            raise EngineError(f"{self.transport.url}/tokenize answered {reply.looks()} where tokens belong") from None

    async def _post(self, kind: type[Body], path: str, **body: Any) -> Body:
        reply = await self._send(path, body)
        try:
            return kind.model_validate_json(reply.body)
        except ValidationError as error:
            field = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise EngineError(f"{self.transport.url}{path} answered {reply.looks()}, without {field}") from None

    async def _send(self, path: str, body: dict[str, Any]) -> Reply:
        reply = await self.transport.post(path, json.dumps(body).encode())
        if reply.status == 422:
            raise _refused(reply)
        if reply.status != 200:
            raise refusal(reply, self.transport.url)
        return reply


def _refused(reply: Reply) -> _Refused:
    try:
        body = json.loads(reply.body)
        return _Refused(str(body["error"]), str(body.get("error_type", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _Refused(reply.looks(), "")
