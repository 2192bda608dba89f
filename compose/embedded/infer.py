"""From a checked request to its answer: permits, tokenization, the batcher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from compose.embedded.batcher import Answer, Batcher, Job
from compose.embedded.metrics import Metrics
from compose.embedded.protocol import ApiError, Limits, Request, broken, check, invalid, overloaded, room
from compose.embedded.text import SHORT, Codec

T = TypeVar("T")
WORKERS = 2  # long texts are tokenized so many at once: /info gives the number


class Inference:
    """The engine behind all routes."""

    def __init__(self, batcher: Batcher, codec: Codec, limits: Limits, metrics: Metrics, *, prefill: bool) -> None:
        self.batcher = batcher
        self.codec = codec
        self.limits = limits
        self.metrics = metrics
        self.prefill = prefill
        self._free = limits.max_concurrent_requests
        self._workers = ThreadPoolExecutor(WORKERS, "long")

    async def answer(self, request: Request) -> Answer:
        """The answer to one request. Raises ApiError when it is refused or fails; cancelling it frees its place."""
        self.metrics.count("tgi_request_count")
        try:
            answer = await self._permitted(request)
        except ApiError as error:
            self.metrics.count("tgi_request_failure", err=error.error_type)
            raise
        self.metrics.count("tgi_request_success")
        return answer

    async def _permitted(self, request: Request) -> Answer:
        if self._free <= 0:
            raise overloaded()
        self._free -= 1
        job: Job | None = None
        try:
            job = await self._job(request)
            self.batcher.submit(job)
            answer = await job.done
        finally:
            self._free += 1
            if job is not None:
                job.cancelled = True
        if isinstance(answer, str):
            raise broken(answer)
        return answer

    async def _job(self, request: Request) -> Job:
        sampling = check(request, self.limits)
        ids = await self._encode(request)
        given = request.parameters
        limit = room(len(ids), given.max_new_tokens, self.limits)
        if not ids:
            raise invalid("`inputs` cannot be empty")
        return Job(
            prompt=ids,
            limit=limit,
            done=asyncio.get_running_loop().create_future(),
            sampling=sampling,
            stops=given.stop,
            top=given.top_n_tokens or 0,
            scored=self.prefill and given.decoder_input_details,
        )

    async def _encode(self, request: Request) -> list[int]:
        if len(request.inputs) <= SHORT:
            return self.codec.ids(request.inputs, special=request.special)
        return await self._aside(self.codec.ids, request.inputs, special=request.special)

    async def spans(self, text: str, *, special: bool) -> bytes:
        """As Codec.spans_json, without holding up anybody."""
        return await self._aside(self.codec.spans_json, text, special=special)

    async def _aside(self, call: Callable[..., T], *given: Any, **named: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._workers, partial(call, *given, **named))
