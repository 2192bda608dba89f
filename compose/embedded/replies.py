"""Response bodies, key by key in TGI's order."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from compose.embedded.batcher import Answer, Token


def generated(answer: Answer, *, details: bool) -> dict[str, Any]:
    """The body of /generate."""
    if not details:
        return {"generated_text": answer.text}
    facts = {
        "finish_reason": answer.reason,
        "generated_tokens": len(answer.tokens),
        "seed": answer.seed,
        "prefill": [{"id": one, "text": text, "logprob": _single(log)} for one, text, log in answer.prefill],
        "tokens": [_token(one) for one in answer.tokens],
    }
    top = {"top_tokens": [[_token(one) for one in many] for many in answer.top]} if answer.top else {}
    return {"generated_text": answer.text, "details": facts | top}


def chat(answer: Answer, model: str, fingerprint: str, *, logprobs: bool) -> dict[str, Any]:
    """The body of /v1/chat/completions."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": answer.text},
        "logprobs": {"content": _logprobs(answer)} if logprobs else None,
        "finish_reason": "stop" if answer.reason == "eos_token" else answer.reason,
    }
    prompt, completion = answer.input_length, len(answer.tokens)
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {
        "object": "chat.completion",
        "id": "",
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": fingerprint,
        "choices": [choice],
        "usage": usage,
    }


def _single(value: float | None) -> float | None:
    """A 32-bit float in its shortest form; null for what JSON has no number for."""
    return None if value is None or not math.isfinite(value) else float(str(np.float32(value)))


def _token(one: Token) -> dict[str, Any]:
    return {"id": one.id, "text": one.text, "logprob": _single(one.logprob), "special": one.special}


def _logprobs(answer: Answer) -> list[dict[str, Any]]:
    tops = answer.top or [[]] * len(answer.tokens)
    return [
        _likely(one) | {"top_logprobs": [_likely(other) for other in others]}
        for one, others in zip(answer.tokens, tops, strict=True)
    ]


def _likely(one: Token) -> dict[str, Any]:
    return {"token": one.text, "logprob": _single(one.logprob)}
