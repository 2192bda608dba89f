"""From a record to a Prompt: which columns are read, and how a conversation is checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from blindside.reading import parse_json
from eval.collect.readers import Record
from eval.expect.expect import Expect
from eval.records import Message, Prompt, clean_text

#: Columns in the order in which they are looked for; names are compared without regard to case.
CONVERSATION = ("messages", "conversation")
QUESTION = ("prompt", "instruction", "question", "turns", "text")
ID = ("id", "prompt_id", "question_id")
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


def read_question(record: Record) -> Question:
    """The prompt of one record. Raises InputError, with file and line, for a record that asks nothing."""
    values = {str(name).strip().lower(): value for name, value in record.values.items()}
    cut: set[str] = set()
    messages = _messages(record, values, cut)
    content = content_hash(messages)
    given = _first(values, ID)
    prompt = Prompt(
        id=clean_text(str(given).strip()) if given is not None else f"p-{content[:12]}",
        messages=messages,
        category=clean_text(str(_first(values, CATEGORY) or "").strip()),
        cluster=clean_text(str(_first(values, CLUSTER) or "").strip()),
        expect=_expect(record, values),
    )
    return Question(prompt, record, content, frozenset(cut))


def content_hash(messages: Iterable[Message]) -> str:
    """What makes two prompts the same: roles and texts, without white space at their ends."""
    turns = [[message.role, message.content.strip()] for message in messages]
    return hashlib.sha256(json.dumps(turns, ensure_ascii=False).encode()).hexdigest()


def _first(values: dict[str, Any], names: Iterable[str]) -> Any:
    """The value of the first of `names` that is there and not blank, or None."""
    there = (values[name] for name in names if name in values)
    return next((value for value in there if value is not None and str(value).strip()), None)


def _expect(record: Record, values: dict[str, Any]) -> Expect | None:
    """What the answer must be like: an object, in a CSV cell as JSON; Parquet fills what is not given with null."""
    value = _first(values, ("expect",))
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError:
            raise record.error('expect: must be an object like {"contains": "…"}: mend it') from None
    if value is None:
        return None
    if isinstance(value, dict):
        value = {name: one for name, one in value.items() if one is not None}
    try:
        return Expect.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["expect", *map(str, first["loc"])])
        raise record.error(f"{field}: {first['msg'].removeprefix('Value error, ')}: mend it") from None


def _messages(record: Record, values: dict[str, Any], cut: set[str]) -> tuple[Message, ...]:
    value = _first(values, (*CONVERSATION, *QUESTION))
    if value is None:
        raise record.error(_nothing_asked(record, values))
    if isinstance(value, str):
        value = _structure(record, value)
    if isinstance(value, str):
        more = values.get("input")
        text = f"{value}\n\n{more}" if isinstance(more, str) and more.strip() and "instruction" in values else value
        return (Message(role="user", content=text),)
    if not isinstance(value, list) or not value:
        raise record.error("the prompt must be a text or a list of messages")
    if all(isinstance(turn, str) for turn in value):
        return _first_turn(record, value, cut)
    return _conversation(record, value, cut)


def _nothing_asked(record: Record, values: dict[str, Any]) -> str:
    names = (*CONVERSATION, *QUESTION)
    empty = [name for name in names if name in values]
    if empty:
        return f"{empty[0]} is empty: fill it, or remove the record"
    columns = ", ".join(str(name) for name in record.values) or "none"
    return f"has no column with the prompt (one of {', '.join(names)}); its columns are: {columns}"


def _structure(record: Record, text: str) -> Any:
    """A CSV cell may hold messages or turns as JSON; any other text is the prompt itself."""
    if record.path.suffix.lower() not in {".csv", ".tsv"} or not text.lstrip().startswith("["):
        return text
    try:
        value = parse_json(text)
    except ValueError:
        return text
    turns = isinstance(value, list) and value and all(isinstance(turn, dict) and "role" in turn for turn in value)
    return value if turns or "turns" in {name.lower() for name in record.values} else text


def _first_turn(record: Record, turns: list[str], cut: set[str]) -> tuple[Message, ...]:
    """Of a list of user turns the first: the later ones answer a reply that is not there yet."""
    if not turns[0].strip():
        raise record.error("the first turn is empty: fill it, or remove the record")
    if len(turns) > 1:
        cut.add("turns")
    return (Message(role="user", content=turns[0]),)


def _conversation(record: Record, turns: list[Any], cut: set[str]) -> tuple[Message, ...]:
    messages = [_message(record, number, turn) for number, turn in enumerate(turns, start=1)]
    while messages and messages[-1].role == "assistant":
        messages.pop()
        cut.add("answer")
    if not messages or messages[-1].role != "user":
        raise record.error("the last message must be the user's: nothing is asked")
    return tuple(messages)


def _message(record: Record, number: int, turn: Any) -> Message:
    if not isinstance(turn, dict):
        raise record.error(f"message {number} must be an object with role and content")
    try:
        message = Message(role=turn.get("role"), content=turn.get("content"))  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        raise record.error(f"message {number}: {first['loc'][0]}: {first['msg']}") from None
    if not message.content.strip():
        raise record.error(f"message {number} is empty: fill it, or remove the record")
    return message
