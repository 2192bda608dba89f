"""The interface of a prober, and the result of one probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from eval.collect.probing.probes import Chat, Probe
from eval.collect.probing.proofs import Proof


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


def says_no_template(refusal: str) -> bool:
    """Whether a server says that it has no template: in TGI's words, or in transformers', which others pass on."""
    message = refusal.lower()
    return "template not found" in message or (
        "chat template" in message and ("must provide" in message or "not set" in message)
    )
