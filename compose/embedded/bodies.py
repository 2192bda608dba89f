"""The bodies of TGI's responses, key by key in its order."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from compose.embedded.batcher import Token
from compose.embedded.infer import Answer, Event

_STOP = {"eos_token": "stop"}


def single(value: float | None) -> float | None:
    """A 32-bit float in its shortest form; null for what JSON has no number for."""
    return None if value is None or not math.isfinite(value) else float(str(np.float32(value)))


def token(one: Token) -> dict[str, Any]:
    return {"id": one.id, "text": one.text, "logprob": single(one.logprob), "special": one.special}


def _tokens(many: list[Token]) -> list[dict[str, Any]]:
    return [token(one) for one in many]


def _facts(answer: Answer) -> dict[str, Any]:
    return {
        "finish_reason": answer.reason,
        "generated_tokens": len(answer.tokens),
        "seed": answer.seed,
        "prefill": [{"id": i, "text": text, "logprob": single(log)} for i, text, log in answer.prefill],
        "tokens": _tokens(answer.tokens),
    }


def _top(answer: Answer) -> dict[str, Any]:
    return {"top_tokens": [_tokens(many) for many in answer.top]} if answer.top else {}


def generated(answer: Answer, others: list[Answer] | None, *, prompt: str, details: bool) -> dict[str, Any]:
    """The answer of /generate; `prompt` is put in front of the text."""
    body: dict[str, Any] = {"generated_text": prompt + answer.text}
    if details:
        body["details"] = _facts(answer)
        if others is not None:
            body["details"]["best_of_sequences"] = [
                {"generated_text": prompt + other.text} | _facts(other) | _top(other) for other in others
            ]
        body["details"] |= _top(answer)
    return body


def stream_event(event: Event, index: int, *, prompt: str, details: bool) -> dict[str, Any]:
    """One event of /generate_stream; the last one has the text and, if asked for, the details."""
    step = event.step
    ended = step.reason is not None
    body: dict[str, Any] = {"index": index, "token": token(step.token)}
    if step.top:
        body["top_tokens"] = _tokens(step.top)
    body["generated_text"] = prompt + (step.text or "") if ended else None
    body["details"] = None
    if ended and details:
        body["details"] = {
            "finish_reason": step.reason,
            "generated_tokens": index,
            "seed": event.seed,
            "input_length": event.input_length,
        }
    return body


class OpenAi:
    """The bodies of the /v1 routes."""

    def __init__(self, model: str, fingerprint: str) -> None:
        self.model = model
        self.fingerprint = fingerprint

    def _head(self, kind: str, model: str) -> dict[str, Any]:
        return {
            "object": kind,
            "id": "",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": self.fingerprint,
        }

    def chat(self, answer: Answer, model: str, *, logprobs: bool) -> dict[str, Any]:
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": answer.text},
            "logprobs": _logprobs(answer.tokens, answer.top) if logprobs else None,
            "finish_reason": _STOP.get(answer.reason, answer.reason),
        }
        used = usage(answer.input_length, len(answer.tokens))
        return self._head("chat.completion", model) | {"choices": [choice], "usage": used}

    def chat_chunk(self, event: Event, model: str, *, logprobs: bool) -> dict[str, Any]:
        step = event.step
        reason = step.reason
        choice = {
            "index": 0,
            "delta": {"role": "assistant", "content": "" if step.token.special else step.token.text},
            "logprobs": _logprobs([step.token], [step.top]) if logprobs else None,
            "finish_reason": None if reason is None else _STOP.get(reason, reason),
        }
        return self._head("chat.completion.chunk", model) | {"choices": [choice], "usage": None}

    def chat_usage(self, event: Event, index: int, model: str) -> dict[str, Any]:
        used = usage(event.input_length, index)
        return self._head("chat.completion.chunk", model) | {"choices": [], "usage": used}

    def completion(self, answers: list[Answer]) -> dict[str, Any]:
        choices = [
            {
                "index": index,
                "text": answer.text,
                "logprobs": None,
                "finish_reason": _STOP.get(answer.reason, answer.reason),
            }
            for index, answer in enumerate(answers)
        ]
        used = usage(sum(a.input_length for a in answers), sum(len(a.tokens) for a in answers))
        return self._head("text_completion", self.model) | {"choices": choices, "usage": used}

    def completion_chunk(self, event: Event, index: int, count: int) -> dict[str, Any]:
        step = event.step
        choice = {"index": index, "text": step.token.text, "logprobs": None, "finish_reason": step.reason or ""}
        head = self._head("text_completion", self.model) | {"choices": [choice]}
        if step.reason is not None:
            return head | {"usage": usage(event.input_length, count)}
        return {key: head[key] for key in ("object", "id", "created", "choices", "model", "system_fingerprint")}


def usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _logprobs(tokens: list[Token], top: list[list[Token]]) -> dict[str, Any]:
    tops = top + [[]] * (len(tokens) - len(top))
    return {
        "content": [
            _likely(one) | {"top_logprobs": [_likely(other) for other in others]}
            for one, others in zip(tokens, tops, strict=True)
        ]
    }


def _likely(one: Token) -> dict[str, Any]:
    return {"token": one.text, "logprob": single(one.logprob)}
