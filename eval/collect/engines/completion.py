"""Turns a server's message into a completion: its text, its thinking, a refusal, or no answer at all."""

from __future__ import annotations

from typing import Any

from blindside.thinking import split_thinking
from eval.collect.engines.protocol import Completion
from eval.errors import EngineError, EngineRejected
from eval.records import ending_of


def completion_of(
    url: str,
    message: Any,
    finish_reason: str | None,
    *,
    prompt_tokens: int | None,
    completion_tokens: int | None,
    latency: float,
) -> Completion:
    """`message` is the object that holds content, and perhaps reasoning, a refusal, or tool calls.

    Raises EngineError for an answer that broke off, EngineRejected where asking again gives no answer either.
    """
    reason = finish_reason or "unknown"
    if ending_of(reason) == "error":
        raise EngineError(f"{url} aborted the answer (finish_reason {reason!r})")
    text, thinking = _content(message.get("content"))
    named = [message[name].strip() for name in ("reasoning_content", "reasoning") if isinstance(message.get(name), str)]
    inner, text = split_thinking(text)
    refusal = message.get("refusal")
    refused = isinstance(refusal, str) and bool(refusal.strip()) and not text.strip()
    thinking = "\n\n".join(filter(None, (*named[:1], thinking.strip(), inner)))
    if refused:
        text = str(refusal)
    elif not text.strip() and (message.get("tool_calls") or message.get("function_call") or _is_call(reason)):
        raise EngineRejected(f"{url} answered with a tool call instead of a text")
    elif not text.strip() and thinking:
        raise EngineRejected(_only_thought(url, reason, completion_tokens))
    return Completion(
        text=text,
        finish_reason=reason,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        latency=latency,
        thinking=thinking,
        refused=refused,
    )


def _is_call(reason: str) -> bool:
    return ending_of(reason) == "tool call"


def _only_thought(url: str, reason: str, tokens: int | None) -> str:
    spent = f" for {tokens} tokens" if tokens else ""
    if ending_of(reason) == "cut":
        return f"{url} thought{spent} up to the limit and did not answer: give a larger --max-tokens in a new run"
    return f"{url} thought{spent} and did not answer"


def _content(content: Any) -> tuple[str, str]:
    """(text, thinking) of a message's content: a text, or a list of parts."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else "", ""
    texts, thinking = list[str](), list[str]()
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ("thinking", "reasoning"):
            thinking.append(_content(part.get(str(kind)) or part.get("text"))[0])
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            texts.append(part["text"])
    return "".join(texts), "\n\n".join(thinking)
