"""A model as a judge, beside people and never among them: both orders are asked, and who disagrees with himself ties.

reports/<run>/model_judge/<model>.jsonl   every reply, append-only, so that a broken run goes on
reports/<run>/model_verdicts.csv          one row a (model, item), written anew from the replies
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence

from blindside import console
from eval.answers import read_answers
from eval.collect.beside import Label, ModelVerdict, read_model_verdicts, verdicts_path
from eval.collect.collector import CollectOptions
from eval.collect.connecting import Address, connect
from eval.collect.progress import Progress
from eval.collect.retry import first_error
from eval.collect.tables import write_table
from eval.collect.writer import AnswerWriter
from eval.errors import RunError
from eval.journal import Journal
from eval.records import SIDES, Message, Pair, Prompt, Response, Side
from eval.run import Run

#: A verdict is one word; some models put a sentence before it all the same.
LONGEST_REPLY = 16

INSTRUCTION = (
    "You compare two answers, A and B, to the last message of a conversation. Judge correctness first, then whether "
    "the answer does what was asked, then clarity. Length alone is no merit. The order of the answers means nothing. "
    "Reply with one word: A if A is better, B if B is better, TIE if they are equally good, BAD if neither is "
    "acceptable."
)
_VERDICT = re.compile(r"^\W*(A|B|TIE|BAD)\b", re.IGNORECASE)


def ask_model(
    run: Run, address: Address, *, options: CollectOptions | None = None, say: Callable[[str], None] = console.say
) -> list[ModelVerdict]:
    """Have the model at `address` judge every pair with two different answers, in both orders; returns its verdicts.

    Goes on where an earlier call ended. Raises EngineError where the server is not there or goes away, RunError where
    the run holds no pair to judge.
    """
    pairs = [pair for pair in read_answers(run.responses_path).pairs(run.prompts()) if not pair.identical]
    if not pairs:
        raise RunError(f"run {run.name} holds no pair of different answers: collect some first")
    try:
        model, replies = asyncio.run(_ask(run, pairs, address, options or CollectOptions(), say))
    except BaseExceptionGroup as several:
        raise first_error(several) from None
    verdicts = [_verdict(run, model, pair, replies) for pair in pairs]
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
    match = _VERDICT.match(text)
    if match is None:
        return "none"
    said = match[1].upper()
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
    run: Run, pairs: Sequence[Pair], address: Address, options: CollectOptions, say: Callable[[str], None]
) -> tuple[str, Mapping[tuple[str, Side], Response]]:
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
                return await engine.fit(messages, LONGEST_REPLY)

            def on_disk(rows: Sequence[object]) -> None:
                for row in rows:
                    if isinstance(row, Response):
                        answers.add(row)
                        progress.advance(row.side, failed=False)

            async with AnswerWriter(Journal(path), on_disk) as writer:
                for side in SIDES:
                    await options.lane(side, engine, todo[side], fit=fit, tell=progress.tell).run(writer.put)
        return model, answers.responses


def _verdict(run: Run, model: str, pair: Pair, replies: Mapping[tuple[str, Side], Response]) -> ModelVerdict:
    said: dict[Side, Label] = {}
    for side in SIDES:
        reply = replies.get((pair.prompt_id, side))
        said[side] = "none" if reply is None else label(reply.text, side)
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
