"""Log-probabilities of held-out pairs on both servers: which written answer each model finds likelier.

reports/<run>/preferences.csv   one row a (pair, side), natural logarithms summed over the answer's tokens
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from blindside import console
from blindside.reading import BadFile, parse_json, read_lines
from blindside.validation import first_problem
from eval.collect.csv_records import write_table
from eval.collect.engines.retry import first_error
from eval.collect.engines.transport import Transport
from eval.collect.model_tasks.rows import Preference, preferences_path
from eval.collect.probing.open_prober import open_prober
from eval.collect.probing.protocol import Prober
from eval.errors import EngineError, EngineRejected, InputError
from eval.records import SIDES, Message, Row, Side, Text, sha256_text
from eval.run import Run


def _content(value: Any) -> Any:
    """An answer as a text, a message, or a list whose last message it is."""
    if isinstance(value, list) and value:
        value = value[-1]
    return value.get("content") if isinstance(value, dict) else value


Answer = Annotated[Text, BeforeValidator(_content), Field(min_length=1)]


class HeldOut(Row):
    """A pair that nobody trained on: the conversation, the answer that was chosen and the one that was rejected."""

    messages: tuple[Message, ...] = Field(min_length=1)
    chosen: Answer
    rejected: Answer

    @property
    def id(self) -> str:
        """The same for the same pair in any file."""
        return sha256_text(self.model_dump_json())[:16]


def read_held_out(path: Path) -> list[HeldOut]:
    """Pairs of a JSONL file with `messages`, `chosen` and `rejected`; other columns are passed over.

    Raises InputError naming file and line; one for a file that holds no pair.
    """
    try:
        with path.open("rb") as file:
            pairs = [_pair(line, path, number) for number, line in read_lines(file) if line.strip()]
    except BadFile as error:
        raise InputError(error.problem, path=path, line=error.line) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): give a file of pairs", path=path) from None
    if not pairs:
        raise InputError("holds no pair: give pairs that were kept out of training", path=path)
    return list({pair.id: pair for pair in pairs}.values())


def score_preferences(
    run: Run,
    pairs: Sequence[HeldOut],
    urls: Mapping[Side, str],
    *,
    width: int = 8,
    seconds: float = 120.0,
    say: Callable[[str], None] = console.say,
) -> list[Preference]:
    """Score every pair on both sides and write preferences.csv; returns its rows, pair by pair.

    A pair that one side refuses (it is too long) is left out on both, and reported. Raises EngineError where a server
    gives no templated conversation or no log-probabilities of prompts, or goes away.
    """
    try:
        found = asyncio.run(_score(run, pairs, urls, width, seconds))
    except BaseExceptionGroup as several:
        raise first_error(several) from None
    both = [tuple(found[side][n] for side in SIDES) for n in range(len(pairs))]
    rows = [row for pair in both if all(pair) for row in pair if row is not None]
    refused = len(pairs) - len(rows) // len(SIDES)
    if refused:
        say(f"{refused} of {len(pairs)} held-out pairs are left out: a server refused them (too long)")
    write_table(preferences_path(run), Preference, rows)
    return rows


def _pair(line: bytes, path: Path, number: int) -> HeldOut:
    try:
        raw = parse_json(line)
        if not isinstance(raw, dict):
            raise InputError("is not an object with messages, chosen, rejected", path=path, line=number)
        return HeldOut.model_validate({key: raw.get(key) for key in HeldOut.model_fields})
    except ValidationError as error:
        raise InputError(f"{first_problem(error, whole='pair')}: fix the pair", path=path, line=number) from None
    except ValueError:
        raise InputError("is not JSON: fix the line", path=path, line=number) from None


Found = dict[Side, dict[int, Preference | None]]


async def _score(run: Run, pairs: Sequence[HeldOut], urls: Mapping[Side, str], width: int, seconds: float) -> Found:
    found: Found = {side: {} for side in SIDES}
    async with AsyncExitStack() as stack:
        probers = {side: await _open(stack, urls[side], width, seconds) for side in SIDES}
        turn = asyncio.Semaphore(width)

        async def settle(side: Side, number: int) -> None:
            async with turn:
                try:
                    found[side][number] = await _prefer(run.name, side, probers[side], pairs[number])
                except EngineRejected:
                    found[side][number] = None

        async with asyncio.TaskGroup() as group:
            for number in range(len(pairs)):
                for side in SIDES:
                    group.create_task(settle(side, number))
    return found


async def _open(stack: AsyncExitStack, url: str, width: int, seconds: float) -> Prober:
    transport = await stack.enter_async_context(Transport(url, timeout=seconds, connections=width))
    return await open_prober(transport, url.partition("#")[2])


async def _prefer(run: str, side: Side, prober: Prober, pair: HeldOut) -> Preference:
    text, ids = await prober.render([message.model_dump() for message in pair.messages])
    chosen, chosen_tokens = await _log_probability(prober, text, ids, pair.chosen)
    rejected, rejected_tokens = await _log_probability(prober, text, ids, pair.rejected)
    return Preference(
        run=run,
        pair=pair.id,
        side=side,
        chosen=chosen,
        rejected=rejected,
        chosen_tokens=chosen_tokens,
        rejected_tokens=rejected_tokens,
    )


async def _log_probability(prober: Prober, prompt: str, ids: Sequence[int], answer: str) -> tuple[float, int]:
    """(sum over the answer's tokens, their number). A token that the answer shares with the prompt's end is its own."""
    tokens = await prober.score(prompt + answer)
    if ids and [token.id for token in tokens[: len(ids) + 1]] == [ids[0], *ids]:
        tokens = tokens[1:]  # TGI adds a BOS even where the text begins with one
    same = 0
    while same < min(len(ids), len(tokens)) and tokens[same].id == ids[same]:
        same += 1
    own = [token.logprob for token in tokens[same:] if token.logprob is not None]
    if not own:
        raise EngineError(f"{prober.url} gives no log-probabilities for an answer")
    return sum(own), len(own)
