"""Asks one side's prompts: retries where that may help, and gives up when the server is gone."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from eval.collect.engines.protocol import Completion, Engine
from eval.collect.engines.retry import NOT_THIS_SERVER, PERHAPS_THIS_PROMPT, Backoff, Breaker, cannot_batch
from eval.errors import EngineError, EngineRejected, EngineUnreachable
from eval.records import Failure, Message, Prompt, Response, Side, sha256_text, utc_now

#: Sent to find out whether a server answers anything at all.
ONE_WORD = (Message(role="user", content="a"),)
Fit = Callable[[Sequence[Message]], Awaitable[int]]


@dataclass
class SideWorker:
    """One side's prompts on their way to its engine, `width` at once."""

    side: Side
    engine: Engine
    todo: Iterator[Prompt]
    width: int
    #: How many tokens an answer may have, so that both sides get the same.
    fit: Fit
    backoff: Callable[[], Backoff]
    breaker: Breaker
    #: Called with trouble when it is new, and again while it continues.
    tell: Callable[[str], None]
    #: Called when a connection fails; may raise what is really wrong.
    check: Callable[[], None]
    one_by_one: bool = False
    _whether: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: Whether it answered one word, where that was asked.
    _answers: bool | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: Requests sent before it was known that they must take turns; `_alone` is set when none is left.
    _together: int = 0
    _alone: asyncio.Event = field(default_factory=asyncio.Event)
    #: How often each kind of trouble was met that is tried again.
    _troubles: Counter[tuple[type[EngineError], int | None]] = field(default_factory=Counter)

    async def run(self, put: Callable[[Response | Failure], None]) -> None:
        """Ask until no prompt is left, `width` at once; each outcome goes to `put`."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.width):
                group.create_task(self._worker(put))

    async def _worker(self, put: Callable[[Response | Failure], None]) -> None:
        for prompt in self.todo:
            put(await self._settle(prompt))

    async def _settle(self, prompt: Prompt) -> Response | Failure:
        """The answer, or the failure after all tries. Raises EngineError when the server is gone for good."""
        backoff = self.backoff()
        while True:
            try:
                completion = await self._ask(prompt)
            except EngineError as error:
                if error.status in PERHAPS_THIS_PROMPT and await self._answers_others():
                    backoff.tries += 1
                    reason = f": {error.server_message}" if error.server_message else ""
                    problem = f"{self.engine.url} refused this prompt ({error.status}){reason}"
                    return self._failure(prompt, EngineError(problem, status=error.status), backoff.tries)
                wait = self._trouble(error, backoff)
                if wait is None:
                    return self._failure(prompt, error, backoff.tries)
                await asyncio.sleep(wait)
            else:
                self.breaker.answered()
                return self._response(prompt, completion)

    async def _answers_others(self) -> bool:
        """Whether the server answers at all: then a refusal is that of one prompt."""
        async with self._whether:
            if self._answers is None and not self.breaker.ever:
                try:
                    await self.engine.chat(ONE_WORD, 1)
                    self._answers = True
                except EngineError as error:
                    self._answers = isinstance(error, EngineRejected)
        return self.breaker.ever or bool(self._answers)

    async def _ask(self, prompt: Prompt) -> Completion:
        """One request; one at a time where the server can't do more."""
        max_tokens = await self.fit(prompt.messages)
        if self.one_by_one:
            async with self._turn:
                await self._alone.wait()
                return await self.engine.chat(prompt.messages, max_tokens)
        self._together += 1
        self._alone.clear()
        try:
            return await self.engine.chat(prompt.messages, max_tokens)
        finally:
            self._together -= 1
            if not self._together:
                self._alone.set()

    def _trouble(self, error: EngineError, backoff: Backoff) -> float | None:
        """Seconds until another try, None to give the prompt up; raises where the whole side must be given up."""
        if error.status in NOT_THIS_SERVER:
            raise error
        if isinstance(error, EngineUnreachable):
            self.check()
        if cannot_batch(error) and not self.one_by_one:
            self.one_by_one = True
            self.tell(f"{self.side}: this server can't take two requests at once, so it gets them one by one")
        wait = backoff.wait(error)
        if wait is not None:
            self._tell_again(error)
        return wait

    def _tell_again(self, error: EngineError) -> None:
        """The first time, and then at 10, 100 …: what continues repeating must not look like patience."""
        kind = (type(error), error.status)
        self._troubles[kind] += 1
        count = self._troubles[kind]
        if count == 10 ** round(math.log10(count)):
            times = "" if count == 1 else f" ({count} times so far)"
            self.tell(f"{self.side}: {error}{times}; trying again")

    def _response(self, prompt: Prompt, completion: Completion) -> Response:
        return Response(
            prompt_id=prompt.id,
            side=self.side,
            messages=prompt.messages,
            category=prompt.category,
            text=completion.text,
            finish_reason=completion.finish_reason,
            thinking=completion.thinking,
            refused=completion.refused,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            latency=round(completion.latency, 6),
            sha256=sha256_text(completion.text),
            answered_at=utc_now(),
        )

    def _failure(self, prompt: Prompt, error: EngineError, tries: int) -> Failure:
        self.breaker.failed(error)
        return Failure(
            prompt_id=prompt.id,
            side=self.side,
            error=str(error),
            status=error.status,
            attempts=tries,
            failed_at=utc_now(),
        )
