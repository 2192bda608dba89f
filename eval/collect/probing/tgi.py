"""Probes TGI servers: template, tokens, their log-probabilities, and where an answer ends."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from blindside.validation import field_of
from eval.collect.engines.tgi_info import Info, refusal
from eval.collect.engines.transport import Reply, Transport
from eval.collect.probing.base import BaseProber
from eval.collect.probing.json_client import Body, ProbeRefused
from eval.collect.probing.probes import Chat, Probe
from eval.collect.probing.proofs import TGI
from eval.collect.probing.protocol import Identity, ProbeResult, Token
from eval.errors import EngineError


class _Token(BaseModel):
    id: int
    text: str = ""
    logprob: float | None = None


class _Span(_Token):
    """Of /tokenize: where a token is in the text, in bytes."""

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


_SPANS = TypeAdapter(list[_Span])


class TgiProber(BaseProber):
    """As Prober, of one TGI server or another that speaks its protocol."""

    def __init__(self, transport: Transport, info: Info) -> None:
        engine = Identity(info.engine(), info.model_id, info.model_sha, TGI, is_tgi=info.is_tgi)
        super().__init__(transport.url, engine)
        self.transport = transport
        self.info = info

    async def _render(self, chat: Chat) -> tuple[str, tuple[int, ...]]:
        body = await self._post(_ChatTokens, "/chat_tokenize", model="tgi", messages=chat)
        return body.templated_text, tuple(token.id for token in body.tokenize_response)

    async def _score(self, text: str) -> tuple[Token, ...]:
        """/generate adds a BOS even where the text begins with one."""
        result = await self._generate(Probe("score"), text, 1)
        return result.prompt if result.scored else ()

    async def _chat(self, probe: Probe) -> ProbeResult:
        tokens = await self._post(_ChatTokens, "/chat_tokenize", model="tgi", messages=probe.chat)
        ids = tuple(token.id for token in tokens.tokenize_response)
        limit = self._limit(len(ids) + 1, probe.tokens)
        result = await self._generate(probe, tokens.templated_text, limit)
        if ids and tuple(result.prompt_ids) == (ids[0], *ids):
            # /generate adds a BOS even where the text begins with one; then the text goes without.
            result = await self._generate(
                probe, tokens.templated_text.removeprefix(tokens.tokenize_response[0].text), limit
            )
        done = await self._complete(probe.chat, limit)
        return replace(result, templated=tokens.templated_text, chat_ids=ids, chat_answer=done)

    async def _text(self, probe: Probe) -> ProbeResult:
        spans = await self._spans(probe.text)
        most = self.info.max_input_tokens - probe.tokens - 2
        text = probe.text
        if len(spans) > most:  # offsets are in bytes
            text = text.encode()[: spans[most].start].decode(errors="ignore")
        return await self._generate(probe, text, self._limit(min(len(spans), most), probe.tokens))

    def _limit(self, tokens: int, wanted: int) -> int:
        return max(1, min(wanted, self.info.max_total_tokens - tokens))

    async def _generate(self, probe: Probe, text: str, limit: int) -> ProbeResult:
        """The greedy continuation of `text`, with all that the server tells of it."""
        # No temperature at all: any value would sample.
        given = {"max_new_tokens": limit, "do_sample": False, "details": True, "decoder_input_details": True}
        body = await self._post(_Generated, "/generate", inputs=text, parameters=given)
        prompt = [Token(one.id, one.text, one.logprob) for one in body.details.prefill]
        scored = bool(prompt)
        if not scored:
            prompt = [Token(span.id, span.text, None) for span in await self._spans(text)]
        return ProbeResult(
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
        choice = self.first(body.choices)
        return choice.message.content or "", choice.finish_reason, body.usage.completion_tokens

    async def _spans(self, text: str) -> list[_Span]:
        """The tokens that /generate makes of `text`."""
        reply = await self._send("/tokenize", {"inputs": text})
        try:
            return _SPANS.validate_json(reply.body)
        except ValidationError:
            raise EngineError(f"{self.transport.url}/tokenize answered {reply.looks()}; expected tokens") from None

    async def _post(self, kind: type[Body], path: str, **body: Any) -> Body:
        reply = await self._send(path, body)
        try:
            return kind.model_validate_json(reply.body)
        except ValidationError as error:
            problem = f"{self.transport.url}{path} answered {reply.looks()}, without {field_of(error)}"
            raise EngineError(problem) from None

    async def _send(self, path: str, body: dict[str, Any]) -> Reply:
        reply = await self.transport.post(path, json.dumps(body).encode())
        if reply.status == 422:
            raise _refused(reply)
        if reply.status != 200:
            raise refusal(reply, self.transport.url)
        return reply


def _refused(reply: Reply) -> ProbeRefused:
    try:
        body = json.loads(reply.body)
        return ProbeRefused(str(body["error"]), by_template=body.get("error_type") == "template_error")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ProbeRefused(reply.looks())
