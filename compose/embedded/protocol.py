"""TGI's rules about requests: its limits, the order in which it checks, and its errors."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from compose.embedded.sampling import Sampling

LONGEST_PIECE = 1024  # TGI generates in pieces of this many tokens, and checks the room for the first one only


class ApiError(Exception):
    """A refusal with TGI's JSON body: `error` says what, `error_type` is for programs."""

    def __init__(self, status: int, error: str, error_type: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.error_type = error_type

    @property
    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_type": self.error_type}


def invalid(problem: str) -> ApiError:
    return ApiError(422, f"Input validation error: {problem}", "validation")


def overloaded() -> ApiError:
    return ApiError(429, "Model is overloaded", "overloaded")


def broken(problem: str) -> ApiError:
    return ApiError(424, f"Request failed during generation: {problem}", "generation")


def template_error(problem: str) -> ApiError:
    return ApiError(422, f"Template error: {problem}", "template_error")


def tool_error(problem: str) -> ApiError:
    return ApiError(422, f"Tool error: {problem}", "tool_error")


@dataclass(frozen=True)
class Limits:
    """What the server accepts, as /info tells it (tokens, requests)."""

    max_input_tokens: int
    max_total_tokens: int
    max_concurrent_requests: int = 128
    max_best_of: int = 2
    max_stop_sequences: int = 4
    max_top_n_tokens: int = 5
    max_client_batch_size: int = 4
    payload_limit: int = 2_000_000


@dataclass(frozen=True)
class Request:
    """One text to continue, with parameters as /generate names them."""

    inputs: str
    parameters: dict[str, Any]
    special: bool = True  # whether the tokenizer adds its own tokens (a BOS); the chat template has its own


@dataclass(frozen=True)
class Accepted:
    """A request whose parameters have passed; its length has not been looked at yet."""

    sampling: Sampling
    truncate: int | None
    seed: int


def check(request: Request, limits: Limits) -> Accepted:
    """The checks that need no tokenizer, in TGI's order. Raises ApiError at the first that fails."""
    given = request.parameters
    sampling = _sampling(given)
    if given["max_new_tokens"] == 0:
        raise invalid("`max_new_tokens` must be strictly positive")
    if len(given["stop"]) > limits.max_stop_sequences:
        raise invalid(f"`stop` supports up to {limits.max_stop_sequences} stop sequences. Given: {len(given['stop'])}")
    if given["seed"] is not None and (given["best_of"] or 1) > 1:
        raise invalid("`seed` must not be set when `best_of` > 1")
    top = given["top_n_tokens"] or 0
    if top > limits.max_top_n_tokens:
        raise invalid(f"`top_n_tokens` must be >= 0 and <= {limits.max_top_n_tokens}. Given: {top}")
    if not request.inputs:
        raise invalid("`inputs` cannot be empty")
    truncate = given["truncate"]
    if truncate is not None and not 0 < truncate <= limits.max_input_tokens:
        raise invalid(
            f"`truncate` must be strictly positive and less than {limits.max_input_tokens}. Given: {truncate}"
        )
    seed = secrets.randbits(64) if given["seed"] is None else int(given["seed"])
    return Accepted(replace(sampling, seed=seed), truncate, seed)


def _sampling(given: dict[str, Any]) -> Sampling:
    warped = any(given[name] is not None for name in ("temperature", "top_k", "top_p", "typical_p"))
    if (given["best_of"] or 1) > 1 and not (given["do_sample"] or warped):
        raise invalid("you must use sampling when `best_of` is > 1")
    sampling = Sampling(
        temperature=_or(given["temperature"], 1.0),
        repetition_penalty=_or(given["repetition_penalty"], 1.0),
        frequency_penalty=_or(given["frequency_penalty"], 0.0),
        top_k=_or(given["top_k"], 0),
        top_p=_or(given["top_p"], 1.0),
        typical_p=_or(given["typical_p"], 1.0),
        do_sample=given["do_sample"],
    )
    if sampling.temperature <= 0:
        raise invalid("`temperature` must be strictly positive")
    if sampling.repetition_penalty <= 0:
        raise invalid("`repetition_penalty` must be strictly positive")
    if not -2.0 <= sampling.frequency_penalty <= 2.0:
        raise invalid("`frequency_penalty` must be >= -2.0 and <= 2.0")
    for name in ("top_p", "typical_p"):
        if given[name] is not None and not 0.0 < given[name] < 1.0:
            raise invalid(f"`{name}` must be > 0.0 and < 1.0")
    if given["top_k"] is not None and given["top_k"] <= 0:
        raise invalid("`top_k` must be strictly positive")
    return sampling


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def unsupported(given: dict[str, Any]) -> None:
    """Refuse what this engine does not do rather than answer as if it had."""
    if given["grammar"] is not None:
        raise invalid("grammar is not supported")
    if given["watermark"]:
        raise invalid("`watermark` is not supported")


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
