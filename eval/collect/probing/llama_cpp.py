"""Probes llama.cpp servers; they report no log-probabilities of prompts."""

from __future__ import annotations

from dataclasses import replace

from pydantic import AliasChoices, BaseModel, Field

from eval.collect.probing.base import BaseProber, fit_to_tokens
from eval.collect.probing.json_client import JsonClient, ProbeRefused
from eval.collect.probing.probes import Chat, Probe
from eval.collect.probing.protocol import Identity, ProbeResult, Token


class _Template(BaseModel):
    prompt: str


class _Ids(BaseModel):
    tokens: list[int]


class _Token(BaseModel):
    id: int
    token: str = ""
    logprob: float | None = None


class _Completion(BaseModel):
    content: str
    stop_type: str = ""
    probabilities: list[_Token] = Field([], validation_alias=AliasChoices("completion_probabilities", "probs"))


class LlamaCppProber(BaseProber):
    """As Prober, of llama.cpp's own server. `longest` is its context in tokens."""

    def __init__(self, client: JsonClient, identity: Identity, longest: int | None) -> None:
        super().__init__(client.url, identity)
        self._client = client
        self._longest = longest or 4096

    async def _render(self, chat: Chat) -> tuple[str, tuple[int, ...]]:
        try:
            text = (await self._client.post(_Template, "/apply-template", messages=chat)).prompt
        except ProbeRefused as refusal:
            raise ProbeRefused(str(refusal), by_template=True) from None
        return text, tuple(await self._ids(text))

    async def _chat(self, probe: Probe) -> ProbeResult:
        text, ids = await self._render(probe.chat)
        return replace(await self._result(probe, list(ids), probe.tokens), templated=text, chat_ids=ids)

    async def _text(self, probe: Probe) -> ProbeResult:
        text, ids = await fit_to_tokens(probe.text, self._longest - probe.tokens - 2, self._ids)
        return replace(await self._result(probe, ids, probe.tokens), text=text)

    async def _ids(self, text: str) -> list[int]:
        """As /completion makes them of a text: a BOS is added where the model has one, and the text does not."""
        given = {"content": text, "add_special": True, "parse_special": True}
        return (await self._client.post(_Ids, "/tokenize", **given)).tokens

    async def _result(self, probe: Probe, ids: list[int], limit: int) -> ProbeResult:
        given = {"n_predict": limit, "temperature": 0.0, "repeat_penalty": 1.0, "cache_prompt": False, "n_probs": 1}
        body = await self._client.post(_Completion, "/completion", prompt=ids, **given)
        return ProbeResult(
            probe,
            prompt=tuple(Token(token, "", None) for token in ids),
            answer=tuple(Token(one.id, one.token, one.logprob) for one in body.probabilities),
            finish="eos_token" if body.stop_type == "eos" else "length",
            limit=limit,
            answer_text=body.content,
        )
