"""From a checked request to its tokens: permits, tokenizing, the batcher, and the whole answer."""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from compose.embedded.batcher import Batcher, Failure, Job, Step, Token
from compose.embedded.metrics import Metrics
from compose.embedded.protocol import ApiError, Limits, Request, broken, check, invalid, overloaded, room, unsupported
from compose.embedded.text import SHORT, Codec

T = TypeVar("T")

#: Long texts are tokenized, and long bodies read and written, so many at once: /info tells the number.
WORKERS = 2
LARGE = 100_000  # characters of a text after which memory is given back


@dataclass
class Answer:
    """A whole answer, and what a client may ask to know of it."""

    text: str = ""
    reason: str = ""
    seed: int | None = None
    input_length: int = 0
    prefill: list[tuple[int, str, float | None]] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    top: list[list[Token]] = field(default_factory=list)
    times: Times = field(default_factory=lambda: Times())


@dataclass
class Times:
    """When the stages of a request began (seconds of the monotonic clock)."""

    start: float = field(default_factory=time.monotonic)
    queued: float = 0.0
    begun: float = 0.0


@dataclass(frozen=True)
class Event:
    """A step of one request, with what belongs to the request as a whole."""

    step: Step
    input_length: int
    seed: int | None
    times: Times


class Infer:
    """The engine behind all routes."""

    def __init__(self, batcher: Batcher, codec: Codec, limits: Limits, metrics: Metrics, *, prefill: bool) -> None:
        self.batcher = batcher
        self.codec = codec
        self.limits = limits
        self.metrics = metrics
        self.prefill = prefill
        self._free = limits.max_concurrent_requests
        self._workers = ThreadPoolExecutor(WORKERS, "long")

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The steps of one request. Raises ApiError when it is refused or fails; closing it frees its place."""
        if self._free <= 0:
            self.metrics.count("tgi_request_failure", err="overloaded")
            raise overloaded()
        self._free -= 1
        job: Job | None = None
        try:
            times = Times()
            job, seed = await self._job(request)
            times.queued = time.monotonic()
            self.batcher.submit(job)
            async for step in _steps(job):
                times.begun = job.started
                yield Event(step, len(job.prompt), seed if job.sampling.draws else None, times)
        except ApiError as error:
            if error.error_type == "validation":
                self.metrics.count("tgi_request_failure", err="validation")
            raise
        finally:
            self._free += 1
            if job is not None:
                job.cancelled = True

    async def answer(self, request: Request) -> Answer:
        """The whole answer to one request."""
        answer = Answer()
        async with aclosing(self.stream(request)) as events:
            async for event in events:
                _add(answer, event)
        self.metrics.count("tgi_request_success")
        return answer

    async def answers(self, requests: Sequence[Request]) -> list[Answer]:
        """The answers to several requests, generated together; the first refusal ends them all."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.answer(request)) for request in requests]
        except* ApiError as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def best(self, request: Request, count: int) -> tuple[Answer, list[Answer]]:
        """The likeliest of `count` answers by mean log-probability, and the others."""
        if count > self.limits.max_best_of:
            raise invalid(f"`best_of` must be > 0 and <= {self.limits.max_best_of}. Given: {count}")
        answers = await self.answers([request] * count)
        answers.sort(key=lambda answer: -sum(t.logprob for t in answer.tokens) / len(answer.tokens))
        return answers[0], answers[1:]

    async def _job(self, request: Request) -> tuple[Job, int]:
        accepted = check(request, self.limits)
        ids = await self._encode(request)
        if accepted.truncate is not None:
            ids = ids[-accepted.truncate :]
        given = request.parameters
        limit = room(len(ids), given["max_new_tokens"], self.limits)
        unsupported(given)
        if not ids:
            raise invalid("`inputs` cannot be empty")
        job = Job(
            prompt=ids,
            limit=limit,
            sampling=accepted.sampling,
            stops=given["stop"],
            top=given["top_n_tokens"] or 0,
            scored=self.prefill and given["decoder_input_details"],
        )
        return job, accepted.seed

    async def _encode(self, request: Request) -> list[int]:
        if len(request.inputs) <= SHORT:
            return self.codec.ids(request.inputs, special=request.special)
        return await self._tokenized(self.codec.ids, request.inputs, special=request.special)

    async def spans(self, text: str, *, special: bool) -> bytes:
        """As Codec.spans_json, without holding up anybody."""
        return await self._tokenized(self.codec.spans_json, text, special=special)

    async def _tokenized(self, call: Callable[..., T], text: str, *, special: bool) -> T:
        found = await self.aside(call, text, special=special)
        if len(text) > LARGE:
            await self.aside(give_back)
        return found

    async def aside(self, call: Callable[..., T], *given: Any, **named: Any) -> T:
        """What `call` returns, made in one of the threads for what is long."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, partial(call, *given, **named))


def _trim() -> Callable[[], None]:
    """Gives freed memory back to the system: glibc keeps hundreds of megabytes after one long text."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return (lambda: None) if trim is None else (lambda: trim(0))


give_back = _trim()


async def _steps(job: Job) -> AsyncIterator[Step]:
    while True:
        event = await job.events.get()
        if isinstance(event, Failure):
            raise broken(event.problem)
        yield event
        if event.reason is not None:
            return


def _add(answer: Answer, event: Event) -> None:
    step = event.step
    answer.tokens.append(step.token)
    answer.top += [step.top] if step.top else []
    answer.prefill = step.prefill or answer.prefill
    answer.text, answer.reason = step.text or "", step.reason or ""
    answer.seed, answer.input_length, answer.times = event.seed, event.input_length, event.times
