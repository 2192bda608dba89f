"""A model as a judge: each pair is asked in both orders, and a judge that contradicts itself gives a tie.

reports/<run>/model_judge/<model>.jsonl   every reply, append-only, so that a broken run goes on
reports/<run>/model_verdicts.csv          one row a (model, item), rewritten from the replies
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from blindside import console
from eval.answers import Answers, read_answers
from eval.collect.collect_options import CollectOptions
from eval.collect.csv_records import write_table
from eval.collect.engines.connect import Address, connect
from eval.collect.engines.retry import first_error
from eval.collect.model_tasks.rows import Label, ModelVerdict, read_model_verdicts, verdicts_path
from eval.collect.progress import Progress
from eval.collect.writer import AnswerWriter
from eval.errors import RunError
from eval.journal import Journal
from eval.records import SIDES, Failure, Message, Pair, Prompt, Response, Side
from eval.run import Run

_WORD = r"(?P<word>A|B|TIE|BAD)"
#: Forms in which a verdict is written on a line; a bare A at the beginning of a sentence may be an article.
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"\W*{_WORD}\W*",
        rf"\W*(?:answer\s+)?{_WORD}\b\W*?(?:[.:;!)\]]|[-–—]\s|,? because\b|,? (?:is (?:clearly |much |slightly )?"
        r"(?:the )?better|wins)\b).*",
        r".*\b(?:verdict|answer|winner|choice|better one|judge?ment)\b\W*(?:is|:|=)?\W*(?:answer\s+)?" rf"{_WORD}\W*",
        r".*(?:\[\[|\\boxed\{)\s*" rf"{_WORD}" r"\s*(?:\]\]|\}).*",
    )
)
#: How much of a reply without a verdict is shown.
SHOWN = 200


def verdict_in(text: str) -> str:
    """A, B, TIE or BAD, as the first or the last line says it; empty where neither does, or both say another."""
    lines = [line for line in text.splitlines() if line.strip()]
    verdicts = {word for line in (*lines[:1], *lines[-1:]) if (word := _of_line(line))}
    return verdicts.pop() if len(verdicts) == 1 else ""


def why_none(reply: Response | Failure | None) -> str:
    """Why a reply gives no verdict."""
    if not isinstance(reply, Response):
        return "no reply came"
    if reply.truncated:
        return "cut at the limit of tokens before a verdict (--max-tokens)"
    if reply.filtered:
        return "ended by a content filter"
    lines = [line for line in reply.text.splitlines() if line.strip()]
    if lines and _of_line(lines[0]) and _of_line(lines[-1]):
        return "two verdicts in one reply"
    return "no verdict in the reply" if lines else "an empty reply"


def opinion_of(replies: Iterable[Response | Failure | None]) -> Iterator[str]:
    """A line for each reason why replies gave no verdict, with their number and how the first of them begins."""
    counts, first = Counter[str](), dict[str, str]()
    for reply in replies:
        reason = why_none(reply)
        counts[reason] += 1
        text = reply.text if isinstance(reply, Response) else reply.error if reply else ""
        first.setdefault(reason, " ".join(text.split())[:SHOWN])
    for reason, count in counts.most_common():
        example = f"; the first: {first[reason]!r}" if first[reason] else ""
        yield f"{count} without a verdict: {reason}{example}"


def _of_line(line: str) -> str:
    found = next((match for form in _FORMS if (match := form.fullmatch(line.strip()))), None)
    return found["word"].upper() if found else ""


#: In tokens. A verdict is one word, but a judge that thinks takes long to find it; one that does not stops after it.
LONGEST_REPLY = 2048

INSTRUCTION = (
    "You compare two answers, A and B, to the last message of a conversation. Judge correctness first, then whether "
    "the answer does what was asked, then clarity. Length alone is no merit. The order of the answers means nothing. "
    "Reply with one word: A if A is better, B if B is better, TIE if they are equally good, BAD if neither is "
    "acceptable."
)


def ask_model(
    run: Run,
    address: Address,
    *,
    options: CollectOptions | None = None,
    max_tokens: int = LONGEST_REPLY,
    say: Callable[[str], None] = console.say,
) -> list[ModelVerdict]:
    """Have the model at `address` judge every pair with two different answers, in both orders; returns its verdicts.

    A reply may have `max_tokens`, thinking included; replies without a verdict are told by reason. Goes on where an
    earlier call ended. Raises EngineError where the server is not there or goes away, RunError where the run holds no
    pair to judge.
    """
    pairs = [pair for pair in read_answers(run.responses_path).pairs(run.prompts()) if not pair.identical]
    if not pairs:
        raise RunError(f"run {run.name} holds no pair of different answers: collect some first")
    try:
        asked = _ask(run, pairs, address, options or CollectOptions(), max_tokens, say)
        model, answers = asyncio.run(asked)
    except BaseExceptionGroup as several:
        raise first_error(several) from None
    verdicts = [_verdict(run, model, pair, answers) for pair in pairs]
    silent = [(pair.prompt_id, side) for pair in pairs for side in SIDES if _label(answers, pair, side) == "none"]
    for line in opinion_of(answers.responses.get(key) or answers.failures.get(key) for key in silent):
        say(line)
    others = [row for row in read_model_verdicts(run) if row.model != model]
    write_table(verdicts_path(run), ModelVerdict, [*others, *verdicts])
    return verdicts


def question(pair: Pair, first: Side) -> Prompt:
    """What the judge is asked, with the answer of `first` as A."""
    second: Side = "tuned" if first == "base" else "base"
    turns = "\n\n".join(f"[{message.role}]\n{message.content}" for message in pair.messages)
    asked = (
        f"{turns}\n\n[answer A]\n{pair.answer(first).text}\n\n[answer B]\n{pair.answer(second).text}\n\n"
        "[end of the answers] One word: A, B, TIE or BAD?"
    )
    messages = (Message(role="system", content=INSTRUCTION), Message(role="user", content=asked))
    return Prompt(id=pair.prompt_id, messages=messages)


def label(text: str, first: Side) -> Label:
    """What a reply says of the sides, given whose answer was A."""
    said = verdict_in(text)
    if not said:
        return "none"
    if said in ("TIE", "BAD"):
        return "tie" if said == "TIE" else "both_bad"
    second: Side = "tuned" if first == "base" else "base"
    return first if said == "A" else second


def settle(base_first: Label, tuned_first: Label) -> Label:
    """One verdict from the two orders: a judge that disagrees with itself has found no difference."""
    if "none" in (base_first, tuned_first):
        return "none"
    return base_first if base_first == tuned_first else "tie"


async def _ask(
    run: Run,
    pairs: Sequence[Pair],
    address: Address,
    options: CollectOptions,
    max_tokens: int,
    say: Callable[[str], None],
) -> tuple[str, Answers]:
    """The model's name, and its reply to each (item, side that was A)."""
    async with connect(
        address, seconds=options.timeout, connections=2 * options.concurrency, tell=say, opening=options.backoff
    ) as engine:
        model = engine.info.model_id
        path = run.folder / "model_judge" / (re.sub(r"[^\w.-]+", "_", model) + ".jsonl")
        path.parent.mkdir(exist_ok=True)
        answers = read_answers(path)
        todo = {
            side: [question(p, side) for p in pairs if (p.prompt_id, side) not in answers.responses] for side in SIDES
        }
        with Progress({side: len(todo[side]) for side in SIDES}, say, every=options.tell_every) as progress:

            async def fit(messages: Sequence[Message]) -> int:
                return await engine.fit(messages, max_tokens)

            def on_disk(rows: Sequence[Response | Failure]) -> None:
                for row in rows:
                    answers.add(row)
                    progress.advance(row.side, failed=isinstance(row, Failure))

            async with AnswerWriter(Journal(path), on_disk) as writer:
                for side in SIDES:
                    await options.worker(side, engine, todo[side], fit=fit, tell=progress.tell).run(writer.put)
        return model, answers


def _label(answers: Answers, pair: Pair, side: Side) -> Label:
    """What was said with `side` as A."""
    reply = answers.responses.get((pair.prompt_id, side))
    return "none" if reply is None else label(reply.text, side)


def _verdict(run: Run, model: str, pair: Pair, answers: Answers) -> ModelVerdict:
    said = {side: _label(answers, pair, side) for side in SIDES}
    return ModelVerdict(
        run=run.name,
        item=pair.prompt_id,
        model=model,
        base_first=said["base"],
        tuned_first=said["tuned"],
        outcome=settle(said["base"], said["tuned"]),
        base_sha256=pair.base.sha256,
        tuned_sha256=pair.tuned.sha256,
    )
