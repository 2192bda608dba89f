"""What all probers share: how refusals and missing log-probabilities are reported."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from eval.collect.probing.json_client import JsonClient, ProbeRefused
from eval.collect.probing.probes import Chat, Probe
from eval.collect.probing.protocol import Identity, ProbeResult, Token
from eval.errors import EngineError

Choice = TypeVar("Choice")


class BaseProber(ABC):
    """A Prober whose ways to ask may raise ProbeRefused."""

    def __init__(self, url: str, identity: Identity) -> None:
        self.url = url
        self.identity = identity

    async def probe(self, probe: Probe) -> ProbeResult:
        """As Prober.probe."""
        try:
            return await (self._chat(probe) if probe.chat else self._text(probe))
        except ProbeRefused as refusal:
            return refusal.result(probe)

    async def render(self, chat: Chat) -> tuple[str, tuple[int, ...]]:
        """As Prober.render."""
        try:
            return await self._render(chat)
        except ProbeRefused as refusal:
            raise refusal.rejected(self.url, "conversation") from None

    async def score(self, text: str) -> tuple[Token, ...]:
        """As Prober.score."""
        try:
            tokens = await self._score(text)
        except ProbeRefused as refusal:
            raise refusal.rejected(self.url, "text") from None
        if not tokens:
            raise EngineError(f"{self.url} gives no log-probabilities of a prompt: {self.identity.proof.remedy}")
        return tokens

    def first(self, choices: Sequence[Choice]) -> Choice:
        """The answer in a completion. Raises EngineError where there is none."""
        if not choices:
            raise EngineError(f"{self.url} answered a completion without a text")
        return choices[0]

    @abstractmethod
    async def _chat(self, probe: Probe) -> ProbeResult: ...

    @abstractmethod
    async def _text(self, probe: Probe) -> ProbeResult: ...

    @abstractmethod
    async def _render(self, chat: Chat) -> tuple[str, tuple[int, ...]]: ...

    async def _score(self, text: str) -> tuple[Token, ...]:
        """The text's tokens; none where the server gives no log-probabilities of a prompt."""
        return ()


class _Ids(BaseModel):
    tokens: list[int]


class TokenizingProber(BaseProber):
    """For an OpenAI-compatible server that also tokenizes. `longest` is its context in tokens."""

    def __init__(self, client: JsonClient, identity: Identity, model: str, longest: int | None) -> None:
        super().__init__(client.url, identity)
        self._client = client
        self._model = model
        self._longest = longest or 4096

    async def _ids(self, text: str, *, special: bool = True) -> list[int]:
        given = {"model": self._model, "prompt": text, "add_special_tokens": special}
        return (await self._client.post(_Ids, "/tokenize", **given)).tokens

    async def _chat_ids(self, chat: Chat) -> tuple[int, ...]:
        return tuple((await self._client.post(_Ids, "/tokenize", model=self._model, messages=chat)).tokens)


async def fit_to_tokens(
    text: str, most: int, tokenize: Callable[[str], Awaitable[Sequence[int]]]
) -> tuple[str, list[int]]:
    """As much of the text's beginning as has `most` tokens at most, and its tokens."""
    while len(ids := await tokenize(text)) > most:
        text = text[: min(len(text) - 1, len(text) * most // len(ids))]
    return text, list(ids)
