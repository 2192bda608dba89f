"""TGI's checks of requests: its errors, its limits, and their order."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from compose.embedded.requests import NOT_HERE, Parameters
from compose.embedded.sampling import Sampling

LONGEST_PIECE = 1024  # TGI generates in pieces of this many tokens, and checks the room for the first one only


def dumps(body: Any) -> str:
    """JSON as TGI writes it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


class ApiError(Exception):
    """A refusal with TGI's JSON body: `error` says what, `error_type` is for programs."""

    def __init__(self, status: int, error: str, error_type: str) -> None:
        super().__init__(error)
        self.status = status
        self.error_type = error_type
        self.body = {"error": error, "error_type": error_type}


def invalid(problem: str) -> ApiError:
    return ApiError(422, f"Input validation error: {problem}", "validation")


def overloaded() -> ApiError:
    return ApiError(429, "Model is overloaded", "overloaded")


def broken(problem: str) -> ApiError:
    return ApiError(424, f"Request failed during generation: {problem}", "generation")


def template_error(problem: str) -> ApiError:
    return ApiError(422, f"Template error: {problem}", "template_error")


@dataclass(frozen=True)
class Limits:
    """What the server accepts, as /info gives it (tokens, requests, bytes)."""

    max_input_tokens: int
    max_total_tokens: int
    max_concurrent_requests: int = 128
    max_stop_sequences: int = 4
    max_top_n_tokens: int = 5
    payload_limit: int = 2_000_000


@dataclass(frozen=True)
class Request:
    """One text to continue, with parameters as /generate names them."""

    inputs: str
    parameters: Parameters
    special: bool = True  # whether the tokenizer adds its own tokens (a BOS); the chat template has its own


def check(request: Request, limits: Limits) -> Sampling:
    """How tokens are chosen, after the checks that need no tokenizer, in TGI's order. Raises ApiError."""
    given = request.parameters
    sampling = _sampling(given)
    if given.max_new_tokens == 0:
        raise invalid("`max_new_tokens` must be strictly positive")
    if len(given.stop) > limits.max_stop_sequences:
        raise invalid(f"`stop` supports up to {limits.max_stop_sequences} stop sequences. Given: {len(given.stop)}")
    if (given.top_n_tokens or 0) > limits.max_top_n_tokens:
        raise invalid(f"`top_n_tokens` must be >= 0 and <= {limits.max_top_n_tokens}. Given: {given.top_n_tokens}")
    if not request.inputs:
        raise invalid("`inputs` cannot be empty")
    return sampling


def _sampling(given: Parameters) -> Sampling:
    if given.temperature is not None and given.temperature <= 0:
        raise invalid("`temperature` must be strictly positive")
    if given.top_p is not None and not 0.0 < given.top_p < 1.0:
        raise invalid("`top_p` must be > 0.0 and < 1.0")
    if given.top_k is not None and given.top_k <= 0:
        raise invalid("`top_k` must be strictly positive")
    refuse_unsupported(given.model_extra)
    return Sampling(
        temperature=1.0 if given.temperature is None else given.temperature,
        top_k=given.top_k or 0,
        top_p=given.top_p or 1.0,
        do_sample=given.do_sample,
        seed=secrets.randbits(64) if given.seed is None else given.seed,
    )


def refuse_unsupported(fields: dict[str, object] | None) -> None:
    """Refuse a field of TGI's that would change the answer there. Fields that TGI ignores are ignored."""
    for name, value in (fields or {}).items():
        if name in NOT_HERE and value not in NOT_HERE[name]:
            raise invalid(f"`{name}` is not supported by the embedded engine")


def room(length: int, wanted: int | None, limits: Limits) -> int:
    """How many tokens may be generated behind a prompt of `length` tokens. Raises ApiError if it does not fit."""
    left = max(limits.max_total_tokens - length, 0)
    asked = left if wanted is None else wanted
    piece = min(asked, LONGEST_PIECE)
    if length + piece > limits.max_total_tokens:
        raise invalid(
            f"`inputs` tokens + `max_new_tokens` must be <= {limits.max_total_tokens}. "
            f"Given: {length} `inputs` tokens and {piece} `max_new_tokens`"
        )
    if length > limits.max_input_tokens:
        raise invalid(f"`inputs` must have less than {limits.max_input_tokens} tokens. Given: {length}")
    return min(asked, left)
