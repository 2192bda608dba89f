"""Turns a record into a Prompt: which columns are read, and how a conversation is checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError

from blindside.reading import parse_json
from blindside.tables.list_cells import texts_of
from blindside.tables.prompt_columns import CONVERSATION, QUESTION, template_mark, with_parts, with_system
from blindside.tables.rows import TrackedRow, Unusable, first_filled, identity
from blindside.tables.turns import Fields, turns
from eval.collect.input_records import ID, Record
from eval.expect.expect import Expect
from eval.records import Message, Prompt, clean_text

CATEGORY = ("category", "topic")
CLUSTER = ("cluster",)


@dataclass(frozen=True)
class Question:
    """A prompt and where it stood; `cut` tells what of the record was not taken."""

    prompt: Prompt
    record: Record
    #: Hex sha256 of the conversation, white space at the ends of turns apart.
    content: str
    cut: frozenset[str] = frozenset()
    #: Columns that hold something and are not read.
    unread: tuple[str, ...] = ()
    #: A mark of a chat template that the texts carry, or nothing.
    mark: str = ""


def read_question(record: Record) -> Question:
    """The prompt of one record. Raises InputError, with file and line, for a record that asks nothing."""
    values = _values(record)
    cut: set[str] = set()
    try:
        messages = _messages(record, values, cut)
    except Unusable as error:
        raise record.error(error.detail) from None
    content = content_hash(messages)
    prompt = Prompt(
        id=clean_text(identity(_first(values, ID))) or f"p-{content[:12]}",
        messages=messages,
        category=clean_text(identity(_first(values, CATEGORY))),
        cluster=clean_text(identity(_first(values, CLUSTER))),
        expect=_expect(record, values),
    )
    mark = template_mark(*(message.content for message in messages))
    return Question(prompt, record, content, frozenset(cut), values.unread(), mark)


def _values(record: Record) -> TrackedRow:
    """The columns without regard to case; of a request as in OpenAI's batches, what its body asks."""
    values = {str(name).strip().lower(): value for name, value in record.values.items()}
    body = values.get("body")
    if isinstance(body, dict) and "messages" in body:
        values = {**{name: value for name, value in values.items() if name != "body"}, "messages": body["messages"]}
    return TrackedRow(values)


def content_hash(messages: Iterable[Message]) -> str:
    """What makes two prompts the same: roles and texts, without white space at their ends."""
    turns = [[message.role, message.content.strip()] for message in messages]
    return hashlib.sha256(json.dumps(turns, ensure_ascii=False).encode()).hexdigest()


def _first(values: TrackedRow, names: Iterable[str]) -> Any:
    """The value of the first of `names` that holds something, or None."""
    name = first_filled(values, names)
    return None if name is None else values[name]


def _expect(record: Record, values: TrackedRow) -> Expect | None:
    """What the answer must be like: an object, in a CSV cell as JSON; Parquet fills what is not given with null."""
    value = _first(values, ("expect",))
    if record.values.get("expect") == {}:
        value = {}
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError:
            raise record.error('expect: must be an object like {"contains": "…"}: fix it') from None
    if value is None:
        return None
    if isinstance(value, dict):
        value = {name: one for name, one in value.items() if one is not None}
    try:
        return Expect.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["expect", *map(str, first["loc"])])
        raise record.error(f"{field}: {first['msg'].removeprefix('Value error, ')}: fix it") from None


def _messages(record: Record, values: TrackedRow, cut: set[str]) -> tuple[Message, ...]:
    column = first_filled(values, (*CONVERSATION, *QUESTION))
    if column is None:
        raise record.error(_nothing_asked(record, values))
    value = values[column]
    if isinstance(value, str):
        value = texts_of(value, column) or value
    if isinstance(value, list) and all(isinstance(turn, str) for turn in value):
        value = _first_turn(record, value, cut)
    if isinstance(value, str):
        value = with_parts(values, column, value)
    elif not isinstance(value, list):
        raise record.error("the prompt must be a text or a list of messages")
    return _conversation(record, with_system(values, "", turns(value, column, Fields())), cut)


def _nothing_asked(record: Record, values: TrackedRow) -> str:
    names = (*CONVERSATION, *QUESTION)
    empty = [name for name in names if name in values]
    if empty:
        return f"{empty[0]} is empty: fill it, or remove the record"
    columns = ", ".join(str(name) for name in record.values) or "none"
    return f"has no column with the prompt (one of {', '.join(names)}); its columns are: {columns}"


def _first_turn(record: Record, turns: list[str], cut: set[str]) -> str:
    """Of a list of user turns the first: the later ones answer a reply that is not there yet."""
    if not turns[0].strip():
        raise record.error("the first turn is empty: fill it, or remove the record")
    if len(turns) > 1:
        cut.add("turns")
    return turns[0]


def _conversation(record: Record, turns: Sequence[Mapping[str, str]], cut: set[str]) -> tuple[Message, ...]:
    messages = [_message(record, number, turn) for number, turn in enumerate(turns, start=1)]
    while messages and messages[-1].role == "assistant":
        messages.pop()
        cut.add("answer")
    if not messages or messages[-1].role != "user":
        raise record.error("the last message must be the user's")
    return tuple(messages)


def _message(record: Record, number: int, turn: Mapping[str, str]) -> Message:
    if turn["role"] not in get_args(Message.model_fields["role"].annotation):
        raise record.error(
            f"message {number} is of a {turn['role']}, which is not supported: give prompts without tools"
        )
    if not turn["content"].strip():
        raise record.error(f"message {number} is empty: fill it, or remove the record")
    return Message.model_validate(turn)
