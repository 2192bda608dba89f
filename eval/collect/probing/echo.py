"""Probes OpenAI-compatible servers through `echo` and `logprobs`: log-probabilities of a text's tokens, without ids.

Servers that can only chat tell nothing; they are probed anyway, so that their name is compared.
"""

from __future__ import annotations

from pydantic import BaseModel

from eval.collect.probing.base import BaseProber
from eval.collect.probing.json_client import JsonClient
from eval.collect.probing.probes import Chat, Probe
from eval.collect.probing.protocol import Identity, ProbeResult, Token
from eval.errors import EngineError


class _Logprobs(BaseModel):
    tokens: list[str]
    token_logprobs: list[float | None]


class _Choice(BaseModel):
    logprobs: _Logprobs | None = None


class _Usage(BaseModel):
    prompt_tokens: int


class _Completion(BaseModel):
    choices: list[_Choice]
    usage: _Usage


class EchoProber(BaseProber):
    """As Prober, of a server that completes texts and echoes them."""

    def __init__(self, client: JsonClient, identity: Identity, model: str) -> None:
        super().__init__(client.url, identity)
        self._client = client
        self._model = model

    async def echoes(self) -> bool:
        """Whether the server gives log-probabilities of an echoed text."""
        return len(await self._score("a b c d")) > 1

    async def _chat(self, probe: Probe) -> ProbeResult:
        """Nothing: the server does not say what its template makes of a conversation."""
        return ProbeResult(probe)

    async def _text(self, probe: Probe) -> ProbeResult:
        if not self.identity.proof.prompts:
            return ProbeResult(probe)
        tokens = await self._score(probe.text)
        return ProbeResult(probe, text=probe.text, prompt=tokens, scored=bool(tokens), by_text=True)

    async def _render(self, chat: Chat) -> tuple[str, tuple[int, ...]]:
        raise EngineError(
            f"{self.url} does not report what its template makes of a conversation, so written answers can't be scored "
            "behind one: serve the model by TGI, vLLM or SGLang"
        )

    async def _score(self, text: str) -> tuple[Token, ...]:
        """The text's own tokens, without ids; one that the server adds to it is left out."""
        given = {"max_tokens": 1, "echo": True, "logprobs": 1, "temperature": 0.0}
        done = await self._client.post(_Completion, "/v1/completions", model=self._model, prompt=text, **given)
        logs = done.choices[0].logprobs if done.choices else None
        if logs is None or len(logs.tokens) <= done.usage.prompt_tokens:
            return ()  # without echo the answer's one token is reported
        rows = zip(logs.tokens, logs.token_logprobs, strict=False)
        return tuple(Token(-1, word, logprob) for word, logprob in rows)[: done.usage.prompt_tokens]
