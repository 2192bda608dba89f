"""`blindside pairs from-choices`: two answers and a choice; also FastChat's vote logs, and arena data.

What a code of a choice means is decided by all values of the file (`blindside.tables.codes`), printed, and refused
where it is open. Layouts: docs/formats.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from blindside import console
from blindside.tables.codes import (
    BOTH_BAD,
    CHOICE,
    NONE,
    TIE,
    UNKNOWN,
    A,
    Codes,
    answer_columns,
    by_model,
    code_of,
    decide_codes,
)
from blindside.tables.list_cells import texts_of
from blindside.tables.prompt_columns import CONVERSATION, QUESTION, with_parts, with_system
from blindside.tables.rows import MALFORMED, Excluded, Message, Record, TrackedRow, Unusable, first_filled, number
from blindside.tables.turns import CONFLICT, Fields, answer, full_conversations, text_of, turns
from train.errors import PairsError
from train.pairs.convert import Tally, write_counted
from train.pairs.pair import Pair
from train.pairs.records import named, read_records

Say = Callable[[str], None]
Parts = tuple[tuple[Message, ...], str, str]
NO_VOTE = "no vote"
_PROMPT = (*CONVERSATION, *QUESTION)
_ONE_HOT = {"winner_model_a": "model_a", "winner_model_b": "model_b", "winner_tie": "tie"}
_VOTES = {"leftvote", "rightvote", "tievote", "bothbad_vote"}
_REASONS = {
    TIE: "the answers tie",
    BOTH_BAD: "neither answer is good",
    NONE: "no choice was made",
}


def from_choices(
    log: Path,
    out: Path,
    *,
    fields: Fields = Fields(),  # noqa: B008
    choices: Mapping[str, str] | None = None,
    say: Say = console.say,
) -> Tally:
    """Read choices of any layout, write pairs and a card. Every row is a pair or counted by its reason.

    `choices` says what each code means, where the file does not tell. Raises PairsError.
    """
    codes = _codes(log, fields, choices or {})
    say(codes.sentence())
    rows = pair_choices(read_records(log, say), fields, codes)
    return write_counted(rows, out, origin=str(log), how="The chosen answer against the other one.", say=say)


def pair_choices(records: Iterable[Record | Excluded], fields: Fields, codes: Codes) -> Iterator[Pair | Excluded]:
    for record in records:
        if isinstance(record, Excluded):
            yield record
            continue
        try:
            yield _pair(record, fields, codes)
        except Unusable as error:
            yield Excluded(record.path, record.line, error.reason, error.detail)


def _codes(log: Path, fields: Fields, given: Mapping[str, str]) -> Codes:
    """The column of choices and what its codes mean, by a first reading of the whole file."""
    columns: dict[str, None] = {}
    counts: dict[str, Counter[str]] = {}
    first: set[int | None] = set()
    for record in read_records(log):
        if isinstance(record, Record):
            columns |= dict.fromkeys(record.values)
            first.add(answer_columns(record.values)[2])
            for column, value in _choice_values(record.values, fields):
                counts.setdefault(column, Counter())[code_of(value)] += 1
    name = next((one for one in (_VOTED, _HOT, fields.chosen, *CHOICE) if one in counts), None)
    if name is None and columns:
        known = ", ".join(CHOICE)
        names = ", ".join(columns)
        remedy = "name it by --field chosen=COLUMN"
        raise PairsError(f"has no column of choices (one of {known}): {remedy}; its columns are: {names}", path=log)
    if name is None:
        raise PairsError("is empty", path=log)
    counted = 0 if name == "better_response_id" else next(iter(first)) if len(first) == 1 else None
    with named(log):
        return decide_codes(name, counts[name], "choices", given, first=counted)


_VOTED, _HOT = "type", "winner_model_a, winner_model_b, winner_tie"


def _choice_values(values: Mapping[str, Any], fields: Fields) -> Iterator[tuple[str, Any]]:
    """Every column that may say the choice of a row, with what it says."""
    if "states" in values or {"tstamp", "type"} <= values.keys():
        if values.get("type") in _VOTES:
            yield _VOTED, values["type"]
        return
    if {"winner_model_a", "winner_model_b"} <= values.keys():
        marks = [value for name, value in _ONE_HOT.items() if number(values.get(name)) == 1]
        yield _HOT, marks[0] if len(marks) == 1 else None if not marks else "several"
    for name in (fields.chosen, *CHOICE):
        if name in values:
            yield name, by_model(values, values[name])


def _pair(record: Record, fields: Fields, codes: Codes) -> Pair:
    values = TrackedRow(record.values)
    said = next((value for name, value in _choice_values(record.values, fields) if name == codes.column), None)
    if codes.column == _VOTED:
        if record.values.get("type") not in _VOTES:
            raise Unusable(NO_VOTE, f"the line's type is {record.values.get('type')!r:.40}")
        messages, a, b, source = _vote(record)
    else:
        for name in (codes.column, *_ONE_HOT, "model_a", "model_b"):
            values.get(name)
        meaning = codes.of(said)
        if meaning in _REASONS:  # before its texts are looked at: an answer may be missing where nothing was chosen
            raise Unusable(meaning, _REASONS[meaning])
        messages, a, b = _answers(values, fields)
        source = {"kind": "choice", "row": record.line}
    chosen, rejected = _settled(codes.of(said), said, a, b)
    unread = values.unread() if codes.column != _VOTED else ()
    return Pair(record.path, record.line, messages, chosen, rejected, source=source, unread=unread)


def _answers(values: TrackedRow, fields: Fields) -> Parts:
    """The conversation and both answers of a row."""
    one, other, _ = answer_columns(values)
    if one == "conversation_a":
        return full_conversations(values.get(one), values.get(other), Fields(chosen=one, rejected=other))
    column = fields.prompt or first_filled(values, _PROMPT) or "prompt"
    value = _listed(values.get(column), column)
    if isinstance(value, list):
        return _turn_by_turn(value, _listed(values.get(one), one), _listed(values.get(other), other))
    if isinstance(value, str):
        value = with_parts(values, column, value)
    messages = with_system(values, fields.system, turns(value, column, fields))
    return messages, *(answer(values.get(name), messages, name, fields) for name in (one, other))  # type: ignore[return-value]


def _listed(value: Any, column: str) -> Any:
    """A list of texts, also where a text holds it; anything else as it is."""
    if isinstance(value, str):
        return texts_of(value, column) or value
    if isinstance(value, list) and all(isinstance(one, str | None) for one in value):
        return [text_of(one, column) for one in value]
    return value


def _turn_by_turn(asked: list[Any], a: Any, b: Any) -> Parts:
    """Arenas' rows of several turns: a list of questions, and a list of answers of either side."""
    if not all(isinstance(one, list) and len(one) == len(asked) > 0 for one in (a, b)):
        raise Unusable(MALFORMED, "questions and answers are not lists of the same length")
    if a[:-1] != b[:-1]:
        raise Unusable(
            CONFLICT, "the two models were in different conversations: in a pair only the last answers may differ"
        )
    messages: list[Message] = []
    for question, reply in zip(asked, a, strict=True):
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]
    return tuple(messages[:-1]), a[-1], b[-1]


def _settled(meaning: str, value: Any, a: str, b: str) -> tuple[str, str]:
    """(chosen, rejected). Raises Unusable for a tie, for both bad, and for a choice that names no answer."""
    if meaning in _REASONS:
        raise Unusable(meaning, _REASONS[meaning])
    if meaning == UNKNOWN:
        raise Unusable(MALFORMED, f"the choice {value!r:.40} names neither answer")
    if a.strip() == b.strip():
        raise Unusable("the answers are the same", "both answers are the same text")
    return (a, b) if meaning == A else (b, a)


def _vote(record: Record) -> tuple[tuple[Message, ...], str, str, dict[str, Any]]:
    """One line of FastChat's log: two states, each a conversation of [role, text] after `offset` examples."""
    states = record.values.get("states")
    if not isinstance(states, list) or len(states) != 2 or not all(isinstance(s, dict) for s in states):
        raise Unusable(MALFORMED, "a vote needs two states")
    (before, a), (other, b) = (_state(state) for state in states)
    if before != other:
        raise Unusable(
            CONFLICT, "the two models were in different conversations: in a pair only the last answers may differ"
        )
    models = [str(state.get("model_name") or "") for state in states]
    source = {"kind": "vote", "row": record.line, "models": models, "tstamp": record.values.get("tstamp")}
    return before, a, b, source


def _state(state: Mapping[str, Any]) -> tuple[tuple[Message, ...], str]:
    value = state.get("messages")
    offset = state.get("offset") or 0
    if not isinstance(value, list) or not isinstance(offset, int):
        raise Unusable(MALFORMED, "a state has no messages")
    texts: list[str] = []
    for item in value[offset:]:
        if not isinstance(item, list) or len(item) != 2:
            raise Unusable(MALFORMED, "a state has a message that is not [role, text]")
        texts.append(text_of(item[1], "messages"))
    if len(texts) < 2 or len(texts) % 2:
        raise Unusable(MALFORMED, "a state does not end with an answer")
    roles = ("user", "assistant")
    messages: list[Message] = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    system = state.get("system_message")
    first: list[Message] = [{"role": "system", "content": system}] if isinstance(system, str) and system.strip() else []
    return (*first, *messages[:-1]), messages[-1]["content"]
