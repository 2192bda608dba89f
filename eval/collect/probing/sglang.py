"""Probes SGLang servers through its native /generate and the extensions of its chat route."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from eval.collect.probing.base import TokenizingProber, fit_to_tokens
from eval.collect.probing.json_client import ChatMessage, ProbeRefused, Usage
from eval.collect.probing.probes import Chat, Probe
from eval.collect.probing.proofs import SGLANG
from eval.collect.probing.protocol import ProbeResult, Token
from eval.errors import EngineError

#: [log-probability, id, text]; none for the first token of a prompt, no text unless it is asked for.
_Row = tuple[float | None, int, str | None]


class _Text(BaseModel):
    text: str


class _Finish(BaseModel):
    type: str


class _Meta(BaseModel):
    finish_reason: _Finish | None = None
    input_token_logprobs: list[_Row] | None = None
    output_token_logprobs: list[_Row] = []


class _Generated(BaseModel):
    text: str
    meta_info: _Meta


class _Choice(BaseModel):
    message: ChatMessage
    finish_reason: str | None
    prompt_token_ids: list[int] | None = None


class _ChatCompletion(BaseModel):
    choices: list[_Choice]
    usage: Usage


class SglangProber(TokenizingProber):
    """As Prober, of an SGLang server. `longest` is its context in tokens."""

    async def _render(self, chat: Chat) -> tuple[str, tuple[int, ...]]:
        ids = (await self._complete(chat, 1)).choices[0].prompt_token_ids
        text = await self._decode(ids or ())
        if not ids or await self._ids(text, special=False) != ids:
            raise EngineError(f"{self.url} does not report the text of a templated conversation: {SGLANG.remedy}")
        return text, tuple(ids)

    async def _score(self, text: str) -> tuple[Token, ...]:
        result = await self._result(Probe("score"), await self._ids(text, special=False), 1)
        return result.prompt if result.scored else ()

    async def _chat(self, probe: Probe) -> ProbeResult:
        try:
            done = await self._complete(probe.chat, probe.tokens)
        except ProbeRefused as refusal:
            raise ProbeRefused(str(refusal), by_template="length" not in str(refusal)) from None
        choice = done.choices[0]
        ids = choice.prompt_token_ids
        if ids is None:
            return ProbeResult(probe)  # an older SGLang, which does not report what it feeds the model
        result = await self._result(probe, ids, probe.tokens)
        answer = (choice.message.content or "", choice.finish_reason or "", done.usage.completion_tokens)
        text = await self._decode(ids)
        return replace(
            result,
            templated=text,
            verbatim=False,
            chat_ids=tuple(ids),
            chat_answer=None if choice.message.reasoning else answer,
        )

    async def _text(self, probe: Probe) -> ProbeResult:
        text, ids = await fit_to_tokens(probe.text, self._longest - probe.tokens - 2, self._ids)
        return replace(await self._result(probe, ids, probe.tokens), text=text)

    async def _decode(self, ids: Sequence[int]) -> str:
        given = {"model": self._model, "tokens": list(ids), "skip_special_tokens": False}
        return (await self._client.post(_Text, "/detokenize", **given)).text

    async def _complete(self, chat: Chat, limit: int) -> _ChatCompletion:
        given: dict[str, Any] = {"max_tokens": limit, "temperature": 0.0, "repetition_penalty": 1.0, "seed": 0}
        done = await self._client.post(
            _ChatCompletion,
            "/v1/chat/completions",
            model=self._model,
            messages=chat,
            return_prompt_token_ids=True,
            **given,
        )
        self.first(done.choices)
        return done

    async def _result(self, probe: Probe, ids: list[int], limit: int) -> ProbeResult:
        """The greedy continuation of tokens, with all that the server tells of it."""
        sampling = {"max_new_tokens": limit, "temperature": 0.0, "repetition_penalty": 1.0}
        wanted = {"return_logprob": True, "logprob_start_len": 0, "return_text_in_logprobs": True}
        body = await self._client.post(_Generated, "/generate", input_ids=ids, sampling_params=sampling, **wanted)
        meta, finish = body.meta_info, body.meta_info.finish_reason
        prompt = meta.input_token_logprobs
        return ProbeResult(
            probe,
            prompt=_tokens(prompt) if prompt else tuple(Token(token, "", None) for token in ids),
            scored=bool(prompt),
            answer=_tokens(meta.output_token_logprobs),
            finish="eos_token" if finish is not None and finish.type == "stop" else finish.type if finish else "",
            limit=limit,
            answer_text=body.text,
        )


def _tokens(rows: Sequence[_Row]) -> tuple[Token, ...]:
    return tuple(Token(token, text or "", logprob) for logprob, token, text in rows)
