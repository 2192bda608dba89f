"""Determinism: a sample of prompts is asked again, under load and alone, and the answers are compared.

On GPUs a batch of another size rounds differently and may flip a token: how often that happens belongs in the report.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from blindside import console
from blindside.words import counted
from eval.answers import Answers, read_answers
from eval.collect.collect_options import CollectOptions
from eval.collect.engines.connect import Address, connect
from eval.collect.engines.protocol import Engine
from eval.collect.engines.retry import Breaker
from eval.collect.worker import SideWorker
from eval.errors import RunError
from eval.records import Failure, Message, Prompt, Response, Side
from eval.run import Run
from eval.run_info import Decoding, DeterminismRecord

SHOWN = 5  # ids of prompts that are kept as examples


@dataclass(frozen=True)
class SideDeterminism:
    """How many prompts of one side were asked again, and how many answered otherwise than in responses.jsonl.

    `under_load` and `alone` count the flips of each way; a prompt that flipped in both counts once in `flipped`.
    `failed` got no answer and are not among the `asked`.
    """

    asked: int
    flipped: int
    under_load: int
    alone: int
    failed: int
    examples: tuple[str, ...]

    @property
    def rate(self) -> float | None:
        """Flipped of asked; None where nothing was asked."""
        return self.flipped / self.asked if self.asked else None


@dataclass(frozen=True)
class Determinism:
    """What asking again showed; `load` is how many requests were in flight with the sample."""

    sides: Mapping[Side, SideDeterminism]
    load: int

    def records(self) -> dict[Side, DeterminismRecord]:
        """By side, for run.json."""
        return {side: DeterminismRecord(load=self.load, rate=one.rate, **vars(one)) for side, one in self.sides.items()}

    def lines(self) -> list[str]:
        """One line a side."""
        return [self._line(side, one) for side, one in self.sides.items()]

    def _line(self, side: Side, one: SideDeterminism) -> str:
        if not one.asked:
            return f"{side}: determinism: nothing was sent again"
        text = f"{side}: determinism: {one.flipped} of {counted(one.asked, 'answer')} changed when asked again"
        if one.flipped:
            text += f" ({one.under_load} with {self.load} at once, {one.alone} alone; {', '.join(one.examples)})"
        return text + (f"; {one.failed} got no answer" if one.failed else "")


@dataclass
class _Again:
    """The answers to one side's sample, by prompt id."""

    loaded: dict[str, Response] = field(default_factory=dict)
    alone: dict[str, Response] = field(default_factory=dict)


def check_determinism(
    run: Run,
    urls: Mapping[Side, Address],
    *,
    share: float = 0.05,
    at_least: int = 5,
    concurrency: int = 16,
    options: CollectOptions | None = None,
    check: Callable[[], None] | None = None,
    say: Callable[[str], None] = console.say,
) -> Determinism:
    """Ask `share` of the answered prompts again, `at_least` so many, and compare with responses.jsonl.

    First with `concurrency` requests in flight (others of the run fill up what the sample leaves free), then one by
    one. Nothing is written. Raises EngineError when a server is gone, RunError for an imported run; `check` may
    raise what is really wrong.
    """
    if run.info.decoding is None:
        raise RunError(f"run {run.name} was imported, so it has no server to check")
    answers = read_answers(run.responses_path)
    prompts = [prompt for prompt in run.prompts() if all((prompt.id, side) in answers.responses for side in urls)]
    sample = choose_sample(prompts, share=share, at_least=at_least, seed=run.name)
    load = max(1, min(concurrency, len(prompts)))
    say(f"determinism: asking {counted(len(sample), 'prompt')} again, with {load} at once and alone")
    job = _Job(run.info.decoding, options or CollectOptions(), check or _fine, say)
    again = asyncio.run(job.ask(urls, sample, _filled(sample, prompts, load), load))
    return Determinism({side: _compare(side, sample, answers, again[side]) for side in urls}, load)


def choose_sample(prompts: Sequence[Prompt], *, share: float, at_least: int, seed: str) -> list[Prompt]:
    """The same prompts for the same run, whatever their order in it."""
    count = min(len(prompts), max(at_least, math.ceil(share * len(prompts) - 1e-9)))
    return sorted(prompts, key=lambda prompt: hashlib.sha256(f"{seed}\0{prompt.id}".encode()).digest())[:count]


def _filled(sample: Sequence[Prompt], prompts: Sequence[Prompt], load: int) -> list[Prompt]:
    """The sample among as many others as keep `load` requests in flight until its last one is answered."""
    chosen = {prompt.id for prompt in sample}
    others = [prompt for prompt in prompts if prompt.id not in chosen]
    before = others[: max(0, load - 1)]
    return [*before[::2], *sample, *before[1::2]]


@dataclass
class _Job:
    decoding: Decoding
    options: CollectOptions
    check: Callable[[], None]
    say: Callable[[str], None]

    async def ask(
        self, urls: Mapping[Side, Address], sample: Sequence[Prompt], crowd: Sequence[Prompt], load: int
    ) -> dict[Side, _Again]:
        async with AsyncExitStack() as stack:
            engines: dict[Side, Engine] = {}
            for side, url in urls.items():
                engine = connect(
                    url,
                    seconds=self.options.timeout,
                    connections=2 * load,
                    tell=self.say,
                    enable_thinking=self.decoding.enable_thinking,
                    # A collection that went on without one is asked again without it.
                    some_gone=True,
                )
                engines[side] = await stack.enter_async_context(engine)
            again = {side: _Again() for side in urls}
            await asyncio.gather(*(self._worker(side, engines, crowd, load, again[side].loaded) for side in urls))
            for side in urls:
                await self._worker(side, engines, sample, 1, again[side].alone)
            return again

    async def _worker(
        self,
        side: Side,
        engines: Mapping[Side, Engine],
        prompts: Sequence[Prompt],
        width: int,
        into: dict[str, Response],
    ) -> None:
        """Ask as the collection did, with its patience, and keep the answers."""

        def put(row: Response | Failure) -> None:
            if isinstance(row, Response):
                into[row.prompt_id] = row

        engine = engines[side]
        worker = SideWorker(
            side=side,
            engine=engine,
            todo=iter(prompts),
            width=min(width, engine.info.max_concurrent or width),
            fit=lambda messages: self._shortest(engines.values(), messages),
            backoff=self.options.backoff,
            breaker=Breaker(self.options.give_up_after),
            tell=self.say,
            check=self.check,
        )
        try:
            await worker.run(put)
        except BaseExceptionGroup as several:
            raise _first(several) from None

    async def _shortest(self, engines: Iterable[Engine], messages: Sequence[Message]) -> int:
        """As long as the collection allowed: by the shorter of both contexts."""
        most = self.decoding.max_tokens
        for engine in engines:
            most = await engine.fit(messages, most)
        return most


def _compare(side: Side, sample: Sequence[Prompt], answers: Answers, again: _Again) -> SideDeterminism:
    before = {prompt.id: answers.responses[(prompt.id, side)].sha256 for prompt in sample}
    asked = [key for key in before if key in again.loaded and key in again.alone]
    loaded = {key for key in asked if again.loaded[key].sha256 != before[key]}
    alone = {key for key in asked if again.alone[key].sha256 != before[key]}
    flipped = [key for key in asked if key in loaded | alone]
    return SideDeterminism(
        asked=len(asked),
        flipped=len(flipped),
        under_load=len(loaded),
        alone=len(alone),
        failed=len(before) - len(asked),
        examples=tuple(flipped[:SHOWN]),
    )


def _first(group: BaseExceptionGroup) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _fine() -> None:
    return None
