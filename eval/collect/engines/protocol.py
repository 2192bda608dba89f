"""The interface of an engine: what blindside needs of a model server, whichever protocol it speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from eval.records import Message

#: More tokens than any answer has; a number with thousands of digits could not even be stored.
_NO_COUNT = 2**53


@dataclass(frozen=True)
class EngineInfo:
    """What a server says of itself. `name` is for run.json, `max_concurrent` how many requests it takes at once."""

    name: str
    model_id: str
    revision: str | None
    max_concurrent: int | None
    served: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Completion:
    """A greedy answer. `latency` is in seconds as the client saw it."""

    text: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    latency: float
    #: What the model thought before it answered, which is not part of the text.
    thinking: str = ""
    #: Whether the server marks the text as a refusal.
    refused: bool = False


class Engine(Protocol):
    """One served model. Both calls raise EngineError or one of its kinds."""

    url: str
    info: EngineInfo

    async def fit(self, messages: Sequence[Message], max_tokens: int) -> int:
        """How many tokens the answer may have: `max_tokens`, or fewer where the context is too short for so many.

        Raises EngineRejected where the prompt leaves no room at all.
        """
        ...

    async def chat(self, messages: Sequence[Message], max_tokens: int) -> Completion:
        """The greedy answer to a conversation, at most `max_tokens` long."""
        ...


def count_of(usage: Any, name: str) -> int | None:
    """A number of tokens out of a completion's `usage`, None where the server did not count, or gave no number."""
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and 0 <= value < _NO_COUNT else None
