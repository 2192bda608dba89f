"""`blindside pairs synthesize`: a small model answers, a stronger one corrects; correction against answer is a pair.

WORK/answers.jsonl and WORK/corrections.jsonl hold every reply as it came, append-only, so that a broken run continues
where it ended; the pairs are made again from them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from blindside import console
from blindside.reading import LONGEST, MEGABYTE
from blindside.tables.rows import Excluded
from eval.answers import read_answers
from eval.collect.collect_options import CollectOptions
from eval.collect.engines.connect import Address, connect
from eval.collect.engines.protocol import Engine
from eval.collect.engines.retry import first_error
from eval.collect.progress import Progress
from eval.collect.refusals import refuses
from eval.collect.worker import SideWorker
from eval.collect.writer import AnswerWriter
from eval.errors import InputError, RunError
from eval.journal import Journal
from eval.records import Failure, Message, Prompt, Response, Side, sha256_text
from train.errors import PairsError
from train.pairs.convert import Tally, write_counted
from train.pairs.pair import Pair
from train.pairs.survey.language import same_language

Say = Callable[[str], None]
CORRECTION = Path(__file__).with_name("correction.txt")
#: Placeholders that the correction prompt must hold.
_CONVERSATION, _ANSWER = "{conversation}", "{answer}"
NO_ANSWER, NO_CORRECTION = "no answer came", "no correction came"
CUT = "cut at the token limit"
LONG = "the correction is longer than --max-tokens"
SAME, REFUSED, LANGUAGE = (
    "the correction changes nothing",
    "the correction is a refusal",
    "the correction changes the language",
)
EMPTY, BUDGET = "empty", "the token budget was used up"


@dataclass(frozen=True)
class SynthesizeOptions:
    """`budget`: how many tokens the stronger model may use in all, prompts and answers, over all calls; 0: any number.
    A request that was begun is finished, so the budget can be passed by what is in flight. `thinking`: how many tokens
    more than an answer's `max_tokens` it may have, for a model that thinks before it corrects."""

    max_tokens: int = 512
    thinking: int = 4096
    budget: int = 0
    asking: CollectOptions = field(default_factory=lambda: CollectOptions(concurrency=8))


@dataclass(frozen=True)
class Synthesized:
    """`tally`: in (prompts) = pairs + excluded. `tokens`: what the stronger model used, over all calls."""

    tally: Tally
    tokens: int


def synthesize(
    prompts: Sequence[Prompt],
    small: Address,
    strong: Address,
    out: Path,
    *,
    work: Path,
    correction: Path = CORRECTION,
    options: SynthesizeOptions | None = None,
    say: Say = console.say,
) -> Synthesized:
    """Have `small` answer and `strong` correct, and write the pairs that pass the checks to `out`, with a card.

    Both are addresses of OpenAI-compatible servers or of TGI, `#model` behind where one serves several. Raises
    EngineError where a server is not there or goes away, InputError for a correction prompt without its places,
    RunError where no pair comes out.
    """
    template = read_correction(correction)
    how = options or SynthesizeOptions()
    work.mkdir(parents=True, exist_ok=True)
    try:
        return asyncio.run(_Synthesis(prompts, template, work, how, say).go(small, strong, out))
    except BaseExceptionGroup as several:
        raise first_error(several) from None


def read_correction(path: Path) -> str:
    """The prompt for the stronger model, with {conversation} and {answer} in it. Raises InputError."""
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"can't be read ({error}): give a file of text", path=path) from None
    if len(text) > LONGEST:
        raise InputError(f"is longer than {LONGEST // MEGABYTE} MB: give a prompt", path=path)
    missing = [place for place in (_CONVERSATION, _ANSWER) if place not in text]
    if missing:
        raise InputError(f"has no {' and no '.join(missing)}: put it where the text belongs", path=path)
    return text


class _Synthesis:
    def __init__(self, prompts: Sequence[Prompt], template: str, work: Path, how: SynthesizeOptions, say: Say) -> None:
        self._prompts = prompts
        self._template = template
        self._work = work
        self._how = how
        self._say = say
        self.tokens = 0
        #: Why a correction is missing, by its id.
        self._failed: dict[str, str] = {}

    async def go(self, small: Address, strong: Address, out: Path) -> Synthesized:
        asked = [prompt.model_copy(update={"id": _content_id(prompt)}) for prompt in self._prompts]
        answers = await self._ask(small, asked, "answers.jsonl", "base", budget=0)
        found = [answers.get(prompt.id) for prompt in asked]
        both = zip(self._prompts, found, strict=True)
        questions = [self._question(prompt, answer) for prompt, answer in both if answer and _usable(answer)]
        corrections = await self._ask(strong, questions, "corrections.jsonl", "tuned", budget=self._how.budget)
        rows = [self._pair(n, p, found[n - 1], corrections) for n, p in enumerate(self._prompts, start=1)]
        try:
            tally = write_counted(rows, out, origin="synthesis", how=_HOW, say=self._say)
        except PairsError as error:
            raise RunError(str(error)) from None
        self._say(f"the stronger model used {self.tokens:,} tokens")
        return Synthesized(tally, self.tokens)

    def _question(self, prompt: Prompt, answer: Response) -> Prompt:
        """The correction's prompt; its id changes with answer and template, so that neither is taken for another's."""
        turns = "\n\n".join(f"[{m.role}]\n{m.content}" for m in prompt.messages)
        parts = re.split(r"(\{conversation\}|\{answer\})", self._template)
        places = {_CONVERSATION: turns, _ANSWER: answer.text}
        text = "".join(places.get(part, part) for part in parts)
        return Prompt(id=self._key(prompt, answer), messages=(Message(role="user", content=text),))

    def _key(self, prompt: Prompt, answer: Response) -> str:
        return f"{prompt.id}:{sha256_text(self._template + answer.sha256)[:16]}"

    async def _ask(
        self, address: Address, prompts: Sequence[Prompt], file: str, side: Side, *, budget: int
    ) -> Mapping[str, Response]:
        """What is on disk for these prompts, after what was missing was asked as far as the budget reaches."""
        path, how = self._work / file, self._how.asking
        answers = read_answers(path)
        found = {key: row for (key, _), row in answers.responses.items()}
        if side == "tuned":
            self.tokens = sum(_spent(row) for row in found.values())
        todo = [prompt for prompt in prompts if prompt.id not in found]
        if not todo:
            return found
        async with connect(
            address, seconds=how.timeout, connections=2 * how.concurrency, tell=self._say, opening=how.backoff
        ) as engine:
            _same_model(path, engine.info.model_id)
            with Progress({side: len(todo)}, self._say, every=how.tell_every) as progress:

                def on_disk(rows: Sequence[Response | Failure]) -> None:
                    for row in rows:
                        if isinstance(row, Response):
                            found[row.prompt_id] = row
                        elif side == "tuned":
                            self._failed[row.prompt_id] = row.error
                        progress.advance(side, failed=isinstance(row, Failure))
                        progress.tick()

                async with AnswerWriter(Journal(path), on_disk) as writer:

                    def put(row: Response | Failure) -> None:
                        # Counted before the next prompt is begun, not when the disk has it.
                        self.tokens += _spent(row) if side == "tuned" and isinstance(row, Response) else 0
                        writer.put(row)

                    await self._worker(side, engine, self._within(todo, budget), progress).run(put)
        return found

    def _within(self, todo: Sequence[Prompt], budget: int) -> Iterator[Prompt]:
        """Prompts as long as there is budget left when they are begun."""
        for prompt in todo:
            if budget and self.tokens >= budget:
                self._say(f"the budget of {budget:,} tokens is used up: the same command with a larger one continues")
                return
            yield prompt

    def _worker(self, side: Side, engine: Engine, todo: Iterator[Prompt], progress: Progress) -> SideWorker:
        limit = self._how.max_tokens + (self._how.thinking if side == "tuned" else 0)

        async def fit(messages: Sequence[Message]) -> int:
            return await engine.fit(messages, limit)

        return self._how.asking.worker(side, engine, todo, fit=fit, tell=progress.tell)

    def _pair(
        self, number: int, prompt: Prompt, answer: Response | None, corrections: Mapping[str, Response]
    ) -> Pair | Excluded:
        corrected = corrections.get(self._key(prompt, answer)) if answer is not None else None
        reason = self._why_not(answer, corrected)
        if reason or answer is None or corrected is None:
            failed = self._failed.get(self._key(prompt, answer), "") if answer is not None else ""
            return Excluded(prompt.id, number, reason, failed[:200] or reason)
        source = {
            "kind": "synthesis",
            "prompt": prompt.id,
            "rejected_sha256": answer.sha256,
            "chosen_sha256": corrected.sha256,
            "correction_sha256": sha256_text(self._template),
        }
        messages = tuple({"role": str(m.role), "content": m.content} for m in prompt.messages)
        return Pair(prompt.id, number, messages, corrected.text, answer.text, prompt.id, source)

    def _why_not(self, answer: Response | None, corrected: Response | None) -> str:
        """Why these make no pair; empty where they do."""
        if answer is None:
            return NO_ANSWER
        if not _usable(answer):
            return f"the answer is {EMPTY}"
        if corrected is None:
            spent = self._how.budget and self.tokens >= self._how.budget
            return BUDGET if spent else NO_CORRECTION
        text = corrected.text.strip()
        checks = {
            f"the correction is {EMPTY}": not text,
            f"the correction was {CUT}": corrected.truncated,
            "the correction was ended by a filter or a tool call": corrected.ending != "complete",
            LONG: not corrected.thinking and (corrected.completion_tokens or 0) > self._how.max_tokens,
            SAME: text == answer.text.strip(),
            REFUSED: refuses(text) and not refuses(answer.text),
            LANGUAGE: not same_language(text, answer.text),
        }
        return next((reason for reason, holds in checks.items() if holds), "")


_HOW = "A small model's answers, each corrected by a stronger one."


def _usable(answer: Response | None) -> bool:
    return answer is not None and bool(answer.text.strip())


def _content_id(prompt: Prompt) -> str:
    """Another text under the same id is another prompt."""
    return f"{prompt.id}:{sha256_text(prompt.model_dump_json(include={'messages'}))[:16]}"


def _same_model(path: Path, model: str) -> None:
    """A file holds one model's replies. Raises RunError."""
    name = path.with_suffix(".model")
    if not path.exists():
        name.write_text(model, encoding="utf-8")
    before = name.read_text(encoding="utf-8") if name.is_file() else model
    if before != model:
        raise RunError(f"{path} holds replies of {before}, not of {model}: give another work folder")


def _spent(row: Response) -> int:
    return (row.prompt_tokens or 0) + (row.completion_tokens or 0)
