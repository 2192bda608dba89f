"""`blindside pairs from-feedback`: a log of thumbs and of edits becomes pairs; what finds no partner is counted.

A row is {prompt, answer, thumb, user, time} or, where somebody mended an answer, {prompt, answer, edit}. Names of the
columns vary; the first that is there is taken. `prompt` is a text or a conversation.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blindside import console
from train.pairs.convert import Tally, write_counted
from train.pairs.pair import Excluded, Pair, Record, Unusable
from train.pairs.read import Message
from train.pairs.records import read_records
from train.pairs.turns import MALFORMED, Fields, text_of, turns

Say = Callable[[str], None]
_PROMPT = ("prompt", "messages", "conversation", "question", "input", "instruction")
_ANSWER = ("answer", "response", "output", "completion", "original")
_EDIT = ("edit", "edited", "corrected", "correction", "corrected_answer")
_THUMB = ("thumb", "feedback", "rating", "label", "vote", "value")
_UP = frozenset(
    {"up", "1", "1.0", "+1", "true", "good", "like", "liked", "positive", "thumbs_up", "thumbsup", "👍", "yes"}
)
_DOWN = frozenset(
    {
        "down",
        "0",
        "0.0",
        "-1",
        "-1.0",
        "false",
        "bad",
        "dislike",
        "disliked",
        "negative",
        "thumbs_down",
        "thumbsdown",
        "👎",
        "no",
    }
)
NO_DOWN, NO_UP = "no answer to this prompt was disliked", "no answer to this prompt was liked"
DIVIDED = "as many like the answer as dislike it"
AGAIN = "the same user said something else of the answer later"
LEFT_OVER = "every answer on the other side has its partner"


@dataclass
class _Answer:
    """One answer to a prompt: each user's last thumb, up or down, and the rows where they stood."""

    text: str
    thumbs: dict[str, tuple[bool, int]] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)

    @property
    def net(self) -> int:
        return sum(1 if up else -1 for up, _ in self.thumbs.values())


@dataclass
class _Asked:
    messages: tuple[Message, ...]
    answers: dict[str, _Answer] = field(default_factory=dict)


def from_feedback(log: Path, out: Path, *, fields: Fields = Fields(), say: Say = console.say) -> Tally:  # noqa: B008
    """Read a log (JSONL, JSON, CSV, TSV, Parquet, .gz), write pairs and a card. `in` are the log's rows: each is in a
    pair or counted by its reason. Raises PairsError."""
    used: Counter[str] = Counter()
    rows = pair_feedback(read_records(log), str(log), fields, used)
    tally = write_counted(
        rows, out, origin=str(log), how="Thumbs up against down, and edits against originals.", say=say
    )
    tally.read = used["rows"]
    say(f"{used['rows']} rows of the log: {used['paired']} are in pairs, {tally.excluded.total()} are not")
    return tally


def pair_feedback(
    records: Iterable[Record | Excluded], path: str, fields: Fields, used: Counter[str]
) -> Iterator[Pair | Excluded]:
    """`used` gets "rows" and "paired", the rows of the log that are in a pair. All answers are held at once."""
    asked: dict[str, _Asked] = {}
    for record in records:
        used["rows"] += 1
        try:
            if isinstance(record, Excluded):
                yield record
            elif (mended := _column(record.values, _EDIT)) is not None:
                yield _edit(record, mended, fields)
                used["paired"] += 1
            else:
                yield from _note(record, asked, fields)
        except Unusable as error:
            yield Excluded(path, record.line, error.reason, error.detail)
    for one in asked.values():
        yield from _pairs(one, path, used)


def _column(values: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((name for name in names if values.get(name) not in (None, "")), None)


def _asked(values: Mapping[str, Any], fields: Fields) -> tuple[tuple[Message, ...], str]:
    """Prompt and answer of a row. A conversation that ends with the answer may stand in one column."""
    column = fields.prompt or _column(values, _PROMPT) or "prompt"
    said = turns(values.get(column), column, fields)
    answer = fields.chosen or _column(values, _ANSWER)
    if answer is None and said[-1]["role"] == "assistant":
        return said[:-1], said[-1]["content"]
    return said, text_of(values.get(answer or "answer"), answer or "answer")


def _edit(record: Record, column: str, fields: Fields) -> Pair:
    messages, answer = _asked(record.values, fields)
    mended = text_of(record.values[column], column)
    if mended.strip() == answer.strip():
        raise Unusable("the edit changes nothing", "the edited answer is the original one")
    return Pair(record.path, record.line, messages, mended, answer, source={"kind": "edit", "row": record.line})


def _note(record: Record, asked: dict[str, _Asked], fields: Fields) -> Iterator[Excluded]:
    """Put a thumb to its answer; a user's earlier thumb on the same answer gives way to the later one."""
    column = _column(record.values, _THUMB) or "thumb"
    up = _is_up(record.values.get(column), column)
    messages, answer = _asked(record.values, fields)
    key = hashlib.blake2b(json.dumps(messages).encode(), digest_size=16).hexdigest()
    one = asked.setdefault(key, _Asked(messages)).answers.setdefault(answer.strip(), _Answer(answer))
    user = str(record.values.get("user") or record.values.get("user_id") or f"row {record.line}")
    before = one.thumbs.get(user)
    if before is not None:
        yield Excluded(record.path, before[1], AGAIN, f"line {record.line} says it anew")
        one.rows.remove(before[1])
    one.thumbs[user] = up, record.line
    one.rows.append(record.line)


def _is_up(value: Any, column: str) -> bool:
    said = str(value).strip().lower()
    if said in _UP or said in _DOWN:
        return said in _UP
    raise Unusable(MALFORMED, f"`{column}` is {value!r:.40}, neither up nor down")


def _pairs(asked: _Asked, path: str, used: Counter[str]) -> Iterator[Pair | Excluded]:
    """The best liked against the most disliked, and so on: each answer is in one pair at most."""
    ups = sorted((a for a in asked.answers.values() if a.net > 0), key=lambda a: -a.net)
    downs = sorted((a for a in asked.answers.values() if a.net < 0), key=lambda a: a.net)
    for chosen, rejected in zip(ups, downs, strict=False):
        used["paired"] += len(chosen.rows) + len(rejected.rows)
        source = {"kind": "thumbs", "up": chosen.rows, "down": rejected.rows}
        yield Pair(path, chosen.rows[0], asked.messages, chosen.text, rejected.text, source=source)
    paired = min(len(ups), len(downs))
    left = [(a, LEFT_OVER if downs else NO_DOWN) for a in ups[paired:]]
    left += [(a, LEFT_OVER if ups else NO_UP) for a in downs[paired:]]
    left += [(a, DIVIDED) for a in asked.answers.values() if a.net == 0]
    yield from (Excluded(path, line, reason, reason) for answer, reason in left for line in answer.rows)
