"""Probes vLLM servers: prompts as tokens, and log-probabilities of prompts through its extensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from eval.collect.probing.base import TokenizingProber, fit_to_tokens
from eval.collect.probing.json_client import ChatMessage, JsonClient, ProbeRefused, Usage
from eval.collect.probing.probes import Chat, Probe
from eval.collect.probing.proofs import VLLM
from eval.collect.probing.protocol import Identity, ProbeResult, Token
from eval.errors import EngineError

#: Undoes what the model's generation_config.json or the server may set otherwise.
GREEDY: Mapping[str, Any] = {"temperature": 0.0, "repetition_penalty": 1.0, "seed": 0, "stream": False}


class _Text(BaseModel):
    prompt: str


class _Logprob(BaseModel):
    logprob: float
    decoded_token: str | None = None


class _Logprobs(BaseModel):
    """Of a completion: one text and one number for each token of the answer."""

    tokens: list[str] = []
    token_logprobs: list[float | None] = []


class _Choice(BaseModel):
    text: str
    finish_reason: str | None
    stop_reason: int | str | None = None
    logprobs: _Logprobs | None = None
    token_ids: list[int] | None = None
    #: By id, the prompt's own token first; None for the first token.
    prompt_logprobs: list[dict[int, _Logprob] | None] | None = None
    prompt_token_ids: list[int] | None = None


class _Completion(BaseModel):
    choices: list[_Choice]


class _ChatChoice(BaseModel):
    message: ChatMessage
    finish_reason: str | None


class _ChatCompletion(BaseModel):
    choices: list[_ChatChoice]
    usage: Usage
    prompt_token_ids: list[int] | None = None
    prompt_text: str | None = None


class VllmProber(TokenizingProber):
    """As Prober, of vLLM or another server that has its extensions. `longest` is its context in tokens."""

    @classmethod
    async def answers(cls, client: JsonClient, model: str) -> bool:
        """Whether the server has the extensions that this needs."""
        choice = await cls(client, Identity("", model, None, VLLM), model, None)._continue("a", 1)
        return choice.prompt_logprobs is not None and bool(choice.token_ids)

    async def _render(self, chat: Chat) -> tuple[str, tuple[int, ...]]:
        ids = await self._templated(chat)
        text, ids, _ = await self._rendered(await self._complete(chat, 1), ids)
        if tuple(await self._ids(text, special=False)) != ids:
            raise EngineError(f"{self.url} does not report the text of a templated conversation: use a newer vLLM")
        return text, ids

    async def _score(self, text: str) -> tuple[Token, ...]:
        ids = await self._ids(text, special=False)
        choice = await self._continue(ids, 1)
        return () if choice.prompt_logprobs is None else _prompt(choice, ids)

    async def _chat(self, probe: Probe) -> ProbeResult:
        ids = await self._templated(probe.chat)
        limit = self._limit(len(ids) + 1, probe.tokens)
        done = await self._complete(probe.chat, limit)
        text, ids, verbatim = await self._rendered(done, ids)
        result = await self._result(probe, list(ids), limit)
        choice = done.choices[0]
        answer = (choice.message.content or "", choice.finish_reason or "", done.usage.completion_tokens)
        return replace(
            result,
            templated=text,
            verbatim=verbatim,
            chat_ids=ids,
            chat_answer=None if choice.message.reasoning else answer,
        )

    async def _text(self, probe: Probe) -> ProbeResult:
        text, ids = await fit_to_tokens(probe.text, self._longest - probe.tokens - 2, self._ids)
        result = await self._result(probe, text, self._limit(len(ids), probe.tokens))
        return replace(result, text=text)

    def _limit(self, tokens: int, wanted: int) -> int:
        return max(1, min(wanted, self._longest - tokens))

    async def _templated(self, chat: Chat) -> tuple[int, ...]:
        """The tokens of a conversation; what is refused here is refused by the template."""
        try:
            return await self._chat_ids(chat)
        except ProbeRefused as refusal:
            raise ProbeRefused(str(refusal), by_template=True) from None

    async def _rendered(self, done: _ChatCompletion, ids: tuple[int, ...]) -> tuple[str, tuple[int, ...], bool]:
        """What the model was given: text, tokens, and whether the text is the server's own words."""
        ids = ids if done.prompt_token_ids is None else tuple(done.prompt_token_ids)
        if done.prompt_text is not None:
            return done.prompt_text, ids, True
        made = await self._client.post(_Text, "/detokenize", model=self._model, tokens=list(ids))
        return made.prompt, ids, False

    async def _complete(self, chat: Chat, limit: int) -> _ChatCompletion:
        """The chat route, as the collection uses it."""
        given = {"max_tokens": limit, "return_token_ids": True, "return_prompt_text": True, **GREEDY}
        done = await self._client.post(
            _ChatCompletion, "/v1/chat/completions", model=self._model, messages=chat, **given
        )
        self.first(done.choices)
        return done

    async def _continue(self, prompt: str | Sequence[int], limit: int) -> _Choice:
        """The greedy continuation of a text, or of tokens, with all that the server tells of it."""
        given = {"max_tokens": limit, "logprobs": 0, "prompt_logprobs": 0, "return_token_ids": True, **GREEDY}
        done = await self._client.post(_Completion, "/v1/completions", model=self._model, prompt=prompt, **given)
        return self.first(done.choices)

    async def _result(self, probe: Probe, prompt: str | list[int], limit: int) -> ProbeResult:
        choice = await self._continue(prompt, limit)
        ids = prompt if isinstance(prompt, list) else choice.prompt_token_ids or await self._ids(prompt)
        return ProbeResult(
            probe,
            prompt=_prompt(choice, ids),
            scored=choice.prompt_logprobs is not None,
            answer=_answer(choice),
            finish=_finish(choice),
            limit=limit,
            answer_text=choice.text,
        )


def _prompt(choice: _Choice, ids: Sequence[int]) -> tuple[Token, ...]:
    """The prompt's tokens; each with its own log-probability, whatever others stand beside it."""
    rows = choice.prompt_logprobs or [None] * len(ids)
    reported = [(row or {}).get(token) for token, row in zip(ids, rows, strict=False)]
    return tuple(
        Token(token, (one and one.decoded_token) or "", one.logprob if one else None)
        for token, one in zip(ids, reported, strict=False)
    )


def _answer(choice: _Choice) -> tuple[Token, ...]:
    logs = choice.logprobs or _Logprobs()
    rows = zip(choice.token_ids or (), logs.tokens, logs.token_logprobs, strict=False)
    return tuple(Token(token, text, logprob) for token, text, logprob in rows)


def _finish(choice: _Choice) -> str:
    """In /generate's words. `stop` may also be a stop string, which nobody asked for."""
    ended = choice.finish_reason == "stop" and not isinstance(choice.stop_reason, str)
    return "eos_token" if ended else choice.finish_reason or ""
