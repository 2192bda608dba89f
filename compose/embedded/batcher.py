"""Continuous batching: one thread owns the model and generates for all requests at once.

A request that arrives joins the running batch before its next step, so nobody waits for a window to close or for
another answer to end. Whole answers go back to the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from compose.embedded.metrics import Metrics
from compose.embedded.model import CachedSequences, LanguageModel
from compose.embedded.sampling import Chooser, Sampling
from compose.embedded.text import Codec, StopRule, StreamedText


@dataclass(frozen=True)
class Token:
    """One generated token; `logprob` is of the scores after the warpers."""

    id: int
    text: str
    logprob: float
    special: bool


@dataclass
class Answer:
    """A whole answer. `prefill` has each token of the prompt with its log-probability, where that was asked for."""

    input_length: int
    seed: int | None
    text: str = ""
    reason: str = ""
    prefill: list[tuple[int, str, float | None]] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    top: list[list[Token]] = field(default_factory=list)


@dataclass
class Job:
    """One request in the batcher. Give it to `Batcher.submit` and await `done`: the answer, or what broke."""

    prompt: list[int]
    limit: int
    done: asyncio.Future[Answer | str]
    sampling: Sampling = field(default_factory=Sampling)
    stops: Sequence[str] = ()
    top: int = 0
    scored: bool = False
    cancelled: bool = False

    @property
    def room(self) -> int:
        """The places in the cache that it may need."""
        return len(self.prompt) + self.limit


class _Running:
    """A job in the batch, with what has been generated so far."""

    def __init__(self, job: Job, codec: Codec) -> None:
        self.job = job
        self.text = StreamedText(codec, job.prompt)
        self.chooser = Chooser(job.sampling)
        self.stopping = StopRule(job.limit, job.stops, codec.eos_ids)
        self.answer = Answer(len(job.prompt), job.sampling.seed if job.sampling.draws else None)

    @property
    def gone(self) -> bool:
        return bool(self.answer.reason) or self.job.cancelled


class Batcher:
    """Generates for up to `max_batch` requests together; `max_tokens` bounds rows times places of the cache."""

    def __init__(
        self, model: LanguageModel, codec: Codec, metrics: Metrics, *, max_batch: int, max_tokens: int, max_prefill: int
    ) -> None:
        self.model = model
        self.codec = codec
        self.metrics = metrics
        self.max_batch = max_batch if model.batchable else 1
        self.max_tokens = max_tokens
        self.max_prefill = max_prefill
        self._waiting: deque[Job] = deque()
        self._wake = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="batcher", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to generate; results are handed over in `loop`."""
        self._loop = loop
        self._thread.start()

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout=5)

    @property
    def healthy(self) -> bool:
        return self._thread.is_alive()

    def submit(self, job: Job) -> None:
        with self._wake:
            self._waiting.append(job)
            self.metrics.set("tgi_queue_size", len(self._waiting))
            self._wake.notify()

    # the batcher's own thread

    def _run(self) -> None:
        rows: CachedSequences | None = None
        running: list[_Running] = []
        while not self._closed:
            fresh = self._next(running)
            if not fresh and not running:
                continue
            try:
                rows, running = self._advance(rows, running, fresh)
            except Exception as error:  # noqa: BLE001 - whatever the model raised is each request's answer; the server lives on
                self._fail([*running, *fresh], error)
                rows, running = None, []
            self.metrics.set("tgi_batch_current_size", len(running))

    def _next(self, running: list[_Running]) -> list[_Running]:
        """The waiting jobs that fit beside those that run; waits only when there is nothing to do at all."""
        with self._wake:
            while not self._closed and not self._waiting and not running:
                self._wake.wait()
            fresh: list[_Running] = []
            jobs = [one.job for one in running]
            while self._waiting and self._fits(jobs, self._waiting[0]):
                job = self._waiting.popleft()
                if not job.cancelled:
                    jobs.append(job)
                    fresh.append(_Running(job, self.codec))
            self.metrics.set("tgi_queue_size", len(self._waiting))
            return fresh

    def _fits(self, jobs: Sequence[Job], job: Job) -> bool:
        if not jobs:
            return True
        widest = max(job.room, *(other.room for other in jobs))
        return len(jobs) < self.max_batch and (len(jobs) + 1) * widest <= self.max_tokens

    def _advance(
        self, rows: CachedSequences | None, running: list[_Running], fresh: list[_Running]
    ) -> tuple[CachedSequences | None, list[_Running]]:
        """Read the fresh prompts, join them to the batch, and take one step with those that were there."""
        rows, running = _without_the_gone(rows, running)
        if rows is not None:
            logits = self.model.step(rows, [one.text.ids[-1] for one in running])
            self.metrics.count("tgi_batch_inference_count", method="decode")
            self._choose(running, logits)
        for group in _groups(fresh, self.max_prefill):
            logits, new = self._read(group)
            self._choose(group, logits)
            if rows is None:
                rows = new
            else:
                rows.join(new)
            running = running + group
        self.metrics.largest("blindside_batch_largest", len(running))
        self._hand_over([(one.job, one.answer) for one in running if one.answer.reason])
        return _without_the_gone(rows, running)

    def _read(self, group: list[_Running]) -> tuple[torch.Tensor, CachedSequences]:
        self.metrics.count("tgi_batch_inference_count", method="prefill")
        if not group[0].job.scored:
            together: tuple[torch.Tensor, CachedSequences] = self.model.read([one.job.prompt for one in group])
            return together
        prompt = group[0].job.prompt
        logits, rows, scored = self.model.read_scored(prompt)
        group[0].answer.prefill = list(zip(prompt, self.codec.each(prompt), [None, *scored], strict=True))
        return logits, rows

    def _choose(self, batch: list[_Running], logits: torch.Tensor) -> None:
        """Add the next token to each row's answer."""
        scores = logits
        if any(one.job.sampling.draws for one in batch):
            scores = torch.stack([one.chooser.scores(row) for one, row in zip(batch, logits, strict=True)])
        logs = scores.log_softmax(-1)
        best = scores.argmax(-1).tolist()
        for index, one in enumerate(batch):
            token = one.chooser.choose(scores[index]) if one.job.sampling.draws else best[index]
            self._add(one, token, logs[index])

    def _add(self, one: _Running, token: int, logs: torch.Tensor) -> None:
        text = one.text.add(token)
        one.answer.tokens.append(Token(token, text, float(logs[token]), token in self.codec.special))
        if one.job.top:
            one.answer.top.append(self._top(logs, one.job.top))
        reason = one.stopping.after(token, text)
        if reason is not None:
            one.answer.text, one.answer.reason = one.text.whole(), reason

    def _top(self, logs: torch.Tensor, count: int) -> list[Token]:
        """The `count` likeliest tokens; fewer where a warper left fewer that are possible at all."""
        values, ids = logs.topk(min(count, len(logs)))
        possible = [(int(i), float(v)) for i, v in zip(ids, values, strict=True) if v > float("-inf")]
        texts = self.codec.each([token for token, _ in possible])
        return [
            Token(token, text, value, token in self.codec.special)
            for (token, value), text in zip(possible, texts, strict=True)
        ]

    def _hand_over(self, results: list[tuple[Job, Answer | str]]) -> None:
        def deliver() -> None:
            for job, result in results:
                if not job.done.done():
                    job.done.set_result(result)

        assert self._loop is not None
        if results:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for the result any more
                self._loop.call_soon_threadsafe(deliver)

    def _fail(self, batch: list[_Running], error: Exception) -> None:
        self._hand_over([(one.job, f"{type(error).__name__}: {error}") for one in batch])


def _without_the_gone(
    rows: CachedSequences | None, running: list[_Running]
) -> tuple[CachedSequences | None, list[_Running]]:
    """Cut out the rows whose answer has ended or whose client has left."""
    stay = [index for index, one in enumerate(running) if not one.gone]
    if len(stay) == len(running):
        return rows, running
    if not stay or rows is None:
        return None, []
    rows.keep(stay)
    return rows, [running[index] for index in stay]


def _groups(fresh: list[_Running], budget: int) -> list[list[_Running]]:
    """Prompts to be read together: padded to the longest they stay within `budget` places. Scored ones stay alone."""
    groups: list[list[_Running]] = []
    open_group: list[_Running] = []
    for one in sorted(fresh, key=lambda one: len(one.job.prompt)):
        if one.job.scored:
            groups.append([one])
            continue
        if open_group and (len(open_group) + 1) * len(one.job.prompt) > budget:
            groups.append(open_group)
            open_group = []
        open_group.append(one)
    return [*groups, open_group] if open_group else groups
