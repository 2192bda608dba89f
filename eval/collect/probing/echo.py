"""What an OpenAI-compatible server tells by `echo` and `logprobs`: log-probabilities of a text's tokens, without ids.

Servers that can only chat tell nothing; they are result anyway, so that their name is compared.
"""

from __future__ import annotations

from pydantic import BaseModel

from eval.collect.probing.probes import Chat, Probe
from eval.collect.probing.protocol import Identity, JsonClient, ProbeRefused, ProbeResult, Token, no_log_probabilities
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


class EchoProber:
    """As Prober, of a server that completes texts and echoes them."""

    def __init__(self, client: JsonClient, identity: Identity, model: str) -> None:
        self.url = client.url
        self.identity = identity
        self._client = client
        self._model = model

    async def echoes(self) -> bool:
        """Whether the server gives log-probabilities of an echoed text."""
        return len(await self._tokens("a b c d")) > 1

    async def probe(self, probe: Probe) -> ProbeResult:
        """As Prober.probe. A conversation cannot be probed: the server does not say what its template makes of it."""
        if probe.chat or not self.identity.proof.prompts:
            return ProbeResult(probe)
        try:
            tokens = await self._tokens(probe.text)
        except ProbeRefused as refusal:
            return refusal.result(probe)
        return ProbeResult(probe, text=probe.text, prompt=tokens, scored=bool(tokens), by_text=True)

    async def render(self, chat: Chat) -> tuple[str, tuple[int, ...]]:
        """Raises EngineError: it does not tell."""
        raise EngineError(
            f"{self.url} does not report what its template makes of a conversation, so written answers can't be scored "
            "behind one: serve the model by TGI, vLLM or SGLang"
        )

    async def score(self, text: str) -> tuple[Token, ...]:
        """As Prober.score, without ids."""
        try:
            tokens = await self._tokens(text)
        except ProbeRefused as refusal:
            raise refusal.rejected(self.url, "text") from None
        if not tokens:
            raise no_log_probabilities(self.url, self.identity.proof)
        return tokens

    async def _tokens(self, text: str) -> tuple[Token, ...]:
        """The text's own tokens; one that the server adds to it is left out."""
        given = {"max_tokens": 1, "echo": True, "logprobs": 1, "temperature": 0.0}
        done = await self._client.post(_Completion, "/v1/completions", model=self._model, prompt=text, **given)
        logs = done.choices[0].logprobs if done.choices else None
        if logs is None or len(logs.tokens) <= done.usage.prompt_tokens:
            return ()  # without echo the answer's one token is reported
        rows = zip(logs.tokens, logs.token_logprobs, strict=False)
        return tuple(Token(-1, word, logprob) for word, logprob in rows)[: done.usage.prompt_tokens]
