"""`blindside pairs from-feedback`: a log of thumbs and edits becomes pairs; unmatched rows are counted.

A row is {prompt, answer, thumb, user, time} or, where an answer was corrected, {prompt, answer, edit}. Names of the
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
from blindside.tables.codes import DOWN, NEUTRAL, NONE, UP, Codes, code_of, decide_codes
from blindside.tables.prompt_columns import CONVERSATION, QUESTION, with_parts, with_system
from blindside.tables.rows import MALFORMED, Excluded, Message, Record, Unusable, first_filled
from blindside.tables.turns import Fields, text_of, turns
from blindside.words import counted
from train.errors import PairsError
from train.pairs.convert import Tally, write_counted
from train.pairs.pair import Pair
from train.pairs.records import named, read_records

Say = Callable[[str], None]
_PROMPT = (*CONVERSATION, *QUESTION)
_ANSWER = ("answer", "response", "output", "completion", "original")
_EDIT = ("edit", "edited", "corrected", "correction", "corrected_answer")
_THUMB = ("thumb", "feedback", "rating", "label", "vote", "value")
NO_DOWN, NO_UP = "no answer to this prompt was disliked", "no answer to this prompt was liked"
DIVIDED = "as many like the answer as dislike it"
AGAIN = "the same user rated the answer differently later"
LEFT_OVER = "every answer on the other side is already in a pair"


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


def from_feedback(
    log: Path,
    out: Path,
    *,
    fields: Fields = Fields(),  # noqa: B008
    choices: Mapping[str, str] | None = None,
    say: Say = console.say,
) -> Tally:
    """Read a log of any format, write pairs and a card: each of its rows is in a pair or counted by its reason.

    `choices` says what each code of the thumbs means, where the file does not tell. Raises PairsError.
    """
    codes = _codes(log, choices or {})
    if codes.counts:
        say(codes.sentence())
    used: Counter[str] = Counter()
    rows = pair_feedback(read_records(log, say), str(log), fields, used, codes)
    tally = write_counted(
        rows, out, origin=str(log), how="Thumbs up against down, and edits against originals.", say=say
    )
    tally.read = used["rows"]
    say(f"{counted(used['rows'], 'row')} of the log: {used['paired']} are in pairs, {tally.excluded.total()} are not")
    return tally


def _codes(log: Path, given: Mapping[str, str]) -> Codes:
    """The column of thumbs and what its codes mean, by a first reading of the whole file."""
    columns: dict[str, None] = {}
    counts: dict[str, Counter[str]] = {}
    edits = False
    for record in read_records(log):
        if isinstance(record, Record):
            columns |= dict.fromkeys(record.values)
            edits = edits or first_filled(record.values, _EDIT) is not None
            for name in _THUMB:
                if name in record.values and first_filled(record.values, _EDIT) is None:
                    counts.setdefault(name, Counter())[code_of(record.values[name])] += 1
    column = next((name for name in _THUMB if name in counts), None)
    if column is None and not edits and columns:
        known, names = ", ".join((*_THUMB, *_EDIT)), ", ".join(columns)
        raise PairsError(f"has no column of thumbs or edits (one of {known}); its columns are: {names}", path=log)
    with named(log):
        return decide_codes(column or "thumb", counts.get(column or "", Counter()), "thumbs", given)


#: Of thumbs that are words, as our own files have them.
WORDS = Codes("thumb", {"up": UP, "down": DOWN})


def pair_feedback(
    records: Iterable[Record | Excluded], path: str, fields: Fields, used: Counter[str], codes: Codes = WORDS
) -> Iterator[Pair | Excluded]:
    """`used` gets "rows" and "paired", the rows of the log that are in a pair. All answers are held at once."""
    asked: dict[str, _Asked] = {}
    for record in records:
        used["rows"] += 1
        try:
            if isinstance(record, Excluded):
                yield record
            elif (edited := first_filled(record.values, _EDIT)) is not None:
                yield _edit(record, edited, fields)
                used["paired"] += 1
            else:
                yield from _note(record, asked, fields, codes)
        except Unusable as error:
            yield Excluded(path, record.line, error.reason, error.detail)
    for one in asked.values():
        yield from _pairs(one, path, used)


def _asked(values: Mapping[str, Any], fields: Fields) -> tuple[tuple[Message, ...], str]:
    """Prompt and answer of a row. A conversation that ends with the answer may stand in one column."""
    column = fields.prompt or first_filled(values, _PROMPT) or "prompt"
    value = values.get(column)
    if isinstance(value, str):
        value = with_parts(values, column, value)
    messages = with_system(values, fields.system, turns(value, column, fields))
    answer = fields.chosen or first_filled(values, _ANSWER)
    if answer is None and messages[-1]["role"] == "assistant":
        return messages[:-1], messages[-1]["content"]
    return messages, text_of(values.get(answer or "answer"), answer or "answer")


def _edit(record: Record, column: str, fields: Fields) -> Pair:
    messages, answer = _asked(record.values, fields)
    edited = text_of(record.values[column], column)
    if edited.strip() == answer.strip():
        raise Unusable("the edit changes nothing", "the edited answer is the original one")
    return Pair(record.path, record.line, messages, edited, answer, source={"kind": "edit", "row": record.line})


def _note(record: Record, asked: dict[str, _Asked], fields: Fields, codes: Codes) -> Iterator[Excluded]:
    """Put a thumb to its answer; a user's earlier thumb on the same answer gives way to the later one."""
    up = _is_up(record.values.get(codes.column), codes)
    messages, answer = _asked(record.values, fields)
    key = hashlib.blake2b(json.dumps(messages).encode(), digest_size=16).hexdigest()
    one = asked.setdefault(key, _Asked(messages)).answers.setdefault(answer.strip(), _Answer(answer))
    user = str(record.values.get("user") or record.values.get("user_id") or f"row {record.line}")
    before = one.thumbs.get(user)
    if before is not None:
        yield Excluded(record.path, before[1], AGAIN, f"line {record.line} repeats it")
        one.rows.remove(before[1])
    one.thumbs[user] = up, record.line
    one.rows.append(record.line)


def _is_up(value: Any, codes: Codes) -> bool:
    meaning = codes.of(value)
    if meaning == NONE:
        raise Unusable("no thumb", f"`{codes.column}` is empty")
    if meaning == NEUTRAL:
        raise Unusable("neither up nor down", f"`{codes.column}` is {value!r:.40}, neither up nor down")
    if meaning not in (UP, DOWN):
        raise Unusable(MALFORMED, f"`{codes.column}` is {value!r:.40}, neither up nor down")
    return meaning == UP


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
