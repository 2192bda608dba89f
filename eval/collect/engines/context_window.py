"""How many tokens an answer may have in a server's context; most prompts need not be tokenized to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.errors import EngineRejected
from eval.records import Message


@dataclass(frozen=True)
class ContextWindow:
    """A server's limits in tokens. `template_tokens` is what the chat template makes of a one-word question."""

    url: str
    total: int
    most_input: int
    template_tokens: int

    def surely_holds(self, messages: Sequence[Message], max_tokens: int) -> bool:
        """Whether the answer fits however the prompt is cut into tokens: none is shorter than a byte."""
        most = sum(len(message.content.encode()) + self.template_tokens for message in messages)
        return most + max_tokens <= self.total

    def left(self, tokens: int, max_tokens: int) -> int:
        """What a prompt of so many tokens leaves of `max_tokens`. Raises EngineRejected where that is nothing."""
        if tokens > self.most_input or tokens >= self.total:
            most = min(self.most_input, self.total - 1)
            raise EngineRejected(f"the prompt has {tokens} tokens, and {self.url} takes {most} at most")
        return min(max_tokens, self.total - tokens)
