"""Collects both sides' greedy answers to every prompt that has none yet, and appends them to responses.jsonl.

Killed at any moment and started again, it asks only for what is missing: an answer counts once it is on disk.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Any

from blindside import console
from blindside.words import counted
from eval.answers import AnsweredKeys, read_answered_keys
from eval.collect.collect_options import CollectOptions, CollectSummary, no_check
from eval.collect.engines.connect import Address, connect
from eval.collect.engines.protocol import Engine
from eval.collect.engines.quantisation import refuse_mixed
from eval.collect.engines.retry import first_error
from eval.collect.new_run import warnings_of
from eval.collect.progress import Progress
from eval.collect.worker import SideWorker
from eval.collect.writer import AnswerWriter, Line
from eval.journal import Journal
from eval.records import SIDES, Failure, Message, Prompt, Response, Side, utc_now
from eval.run import Run
from eval.run_info import RunInfo

SHOWN_FAILURES = 10


def collect(
    run: Run,
    urls: Mapping[Side, Address],
    *,
    options: CollectOptions | None = None,
    check: Callable[[], None] | None = None,
    say: Callable[[str], None] = console.say,
) -> CollectSummary:
    """Ask both servers for what `run` lacks, and return when every prompt is settled.

    Where `urls` has one side only, that side is asked and the other is left for another call. A side with several
    addresses is asked at all of them.
    A prompt that keeps failing becomes a Failure line and is asked again by the next call. `check` is called often;
    what it raises ends the collection. Raises EngineError when a server is not there, or goes away for good;
    RunError when another process collects this run or the disk is full. Whatever happens, answers that came are kept.
    """
    with run.writing():
        prompts, answers = run.prompts(), read_answered_keys(run.responses_path)
        options = options or CollectOptions()
        missing, refused = _missing(prompts, answers, urls, options)
        already = len(urls) * len(prompts) - len(missing) - refused
        if refused:
            say(
                f"{counted(refused, 'prompt was', 'prompts were')} refused by a server and "
                f"{'is' if refused == 1 else 'are'} skipped: --retry-failed asks again"
            )
        if not missing:
            say(f"all {counted(already, 'answer')} already collected")
            return CollectSummary(0, 0, 0, already, 0.0)
        if already:
            say(f"{counted(already, 'answer')} already collected, {len(missing)} to collect")
        job = _Collection(run, answers, options, check or no_check, say)
        began = time.monotonic()
        try:
            asyncio.run(job.go(urls, missing))
        except BaseException:
            with suppress(OSError):  # what went wrong matters more
                job.record_end()
            raise
        job.record_end()
        summary = CollectSummary(
            len(missing), job.answered, len(missing) - job.answered, already, time.monotonic() - began
        )
        _tell(summary, answers, say)
        return summary


def _missing(
    prompts: Sequence[Prompt], answers: AnsweredKeys, urls: Mapping[Side, Address], options: CollectOptions
) -> tuple[list[tuple[Prompt, Side]], int]:
    """What is to be asked, and how many are left because a server refused them before."""
    missing = [(prompt, side) for prompt, side in answers.missing(prompts) if side in urls]
    failed = answers.failures
    asked = [
        (prompt, side)
        for prompt, side in missing
        if options.retry_failed or (prompt.id, side) not in failed or not failed[prompt.id, side].refused
    ]
    return asked, len(missing) - len(asked)


class _Collection:
    """The asking of one call of `collect`, and what it adds to run.json."""

    def __init__(
        self,
        run: Run,
        answers: AnsweredKeys,
        options: CollectOptions,
        check: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self.run = run
        self.answers = answers
        self.options = options
        self.check = check
        self.say = say
        self.answered = 0
        self._quiet_since = time.monotonic()

    async def go(self, urls: Mapping[Side, Address], missing: Sequence[tuple[Prompt, Side]]) -> None:
        """Ask for all that is `missing`; answers that came are on disk however this ends."""
        totals = Counter(side for _, side in missing)
        async with AsyncExitStack() as stack:
            sides = [side for side in SIDES if side in urls]
            engines = {side: await stack.enter_async_context(self._connect(side, urls[side])) for side in sides}
            self._record_start(engines)
            shown = Progress({side: totals[side] for side in sides}, self.say, every=self.options.tell_every)
            self._progress = stack.enter_context(shown)
            journal = Journal(self.run.responses_path)
            self._writer = await stack.enter_async_context(AnswerWriter(journal, self._on_disk))
            workers = [self._worker(side, engines, [p for p, s in missing if s == side]) for side in sides]
            await self._work(workers)

    def _connect(self, side: Side, address: Address) -> AbstractAsyncContextManager[Engine]:
        return connect(
            address,
            seconds=self.options.timeout,
            # Twice, since each side also asks the other engine how long an answer may be.
            connections=2 * self.options.concurrency,
            largest=self.options.largest,
            tell=lambda line: self._progress.tell(f"{side}: {line}"),
            opening=self.options.backoff,
            enable_thinking=self.run.decoding.enable_thinking,
        )

    def _worker(self, side: Side, engines: Mapping[Side, Engine], todo: Sequence[Prompt]) -> SideWorker:
        return self.options.worker(
            side,
            engines[side],
            todo,
            fit=lambda messages: _shortest(engines.values(), messages, self.run.decoding.max_tokens),
            tell=self._progress.tell,
            check=self.check,
        )

    async def _work(self, workers: Sequence[SideWorker]) -> None:
        """Raises the first of the errors that ended it, not a group."""
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch())
                async with asyncio.TaskGroup() as work:
                    for worker in workers:
                        work.create_task(worker.run(self._writer.put))
                watch.cancel()
        except BaseExceptionGroup as several:
            raise first_error(several) from None

    async def _watch(self) -> None:
        while True:
            self.check()
            self._writer.check()
            self._progress.tick()
            self._tell_if_quiet()
            await asyncio.sleep(self.options.check_every)

    def _tell_if_quiet(self) -> None:
        quiet = time.monotonic() - self._quiet_since
        if quiet < self.options.quiet_after:
            return
        self._quiet_since = time.monotonic()
        self._progress.tell(
            f"nothing was answered for {quiet:.0f} s, of {counted(self.options.concurrency, 'request')} at once to "
            f"each side that may take {self.options.timeout:g} s each: a slow server needs a lower --concurrency "
            "(CONCURRENCY=), a longer --timeout (TIMEOUT=) or a lower --max-tokens (MAX_TOKENS=)"
        )

    def _on_disk(self, rows: Sequence[Line]) -> None:
        self._quiet_since = time.monotonic()
        for row in rows:
            self.answers.add(row)
            self.answered += isinstance(row, Response)
            self._progress.advance(row.side, failed=isinstance(row, Failure))

    def _record_start(self, engines: Mapping[Side, Engine]) -> None:
        """What the servers say of themselves, before the first answer."""
        for warning in warnings_of(self.run, engines):
            self.say(warning)
        servers = {side: {"url": engine.url, "served": engine.info.served} for side, engine in engines.items()}

        def change(now: RunInfo) -> dict[str, Any]:
            """Of these sides alone: another process may have collected the other one since this run was opened."""
            models = {side: model.model_copy(update=servers.get(side, {})) for side, model in now.models.items()}
            if not self.options.mixed:
                refuse_mixed({side: model.served for side, model in models.items()})
            return {"models": models, "times": {**now.times, "collecting_since": utc_now()}}

        self.run = self.run.update(change)

    def record_end(self) -> None:
        """Times and counts as they are now, however the collection ended."""
        total = 2 * self.run.info.prompt_set.asked
        answered = self.answers.count
        counts = {"asked": total, "answered": answered, "failed": len(self.answers.failures)}
        self.run = self.run.update(
            lambda now: {"counts": now.counts | counts, "times": {**now.times, "collected": utc_now()}}
        )


async def _shortest(engines: Iterable[Engine], messages: Sequence[Message], max_tokens: int) -> int:
    """Both sides may answer at the same length, so the shorter context decides."""
    for engine in engines:
        max_tokens = await engine.fit(messages, max_tokens)
    return max_tokens


def _tell(summary: CollectSummary, answers: AnsweredKeys, say: Callable[[str], None]) -> None:
    say(f"{counted(summary.answered, 'answer')} in {summary.seconds:.1f} s")
    if not summary.failed:
        return
    say(f"{counted(summary.failed, 'answer is', 'answers are')} missing:")
    for failure in list(answers.failures.values())[:SHOWN_FAILURES]:
        say(f"  {failure.prompt_id} ({failure.side}, {counted(failure.attempts, 'try', 'tries')}): {failure.error}")
    if summary.failed > SHOWN_FAILURES:
        say(f"  and {summary.failed - SHOWN_FAILURES} more, in responses.jsonl")
