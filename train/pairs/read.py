"""Reads rows of training data, as Axolotl's chat_template strategies take them, into one shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blindside.tables.rows import Excluded, Message
from train.errors import PairsError, RecipeError
from train.pairs.records import read_records
from train.recipe import DataSet


@dataclass(frozen=True)
class Row:
    """One row: the conversation that is answered, and the answers. `chosen` alone is an SFT row's last turn."""

    line: int
    messages: tuple[Message, ...]
    chosen: str
    rejected: str | None
    #: The row as it was read.
    raw: dict[str, Any]


def check_columns(columns: list[str], asked: DataSet) -> None:
    """Raise RecipeError where the recipe asks for a column that the data set does not have, naming the likely one."""
    for field, column in asked.columns.items():
        if column in columns:
            continue
        likely = _likely(field, columns, set(asked.columns.values()))
        remedy = f": set {field}: {likely}" if likely else ""
        raise RecipeError(
            f"the recipe asks for `{column}`; the data set {asked.path} has `{', '.join(columns)}`{remedy}"
        )


def _likely(field: str, columns: list[str], asked: set[str]) -> str | None:
    names = {
        "field_messages": ("messages", "conversation", "conversations", "prompt"),
        "field_chosen": ("chosen", "chosen_response", "preferred"),
        "field_rejected": ("rejected", "rejected_response", "dispreferred"),
    }[field]
    return next((name for name in names if name in columns and name not in asked), None)


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSONL file, or of a JSON list, with their lines. Raises PairsError at the first that is none."""
    for record in read_records(path):
        if isinstance(record, Excluded):
            raise PairsError(record.detail, path=path, line=record.line)
        if record.parsed:
            remedy = f"rewrite it with `blindside pairs convert {path} pairs.jsonl` and train on that"
            raise PairsError(f"`{record.parsed[0]}` is a list written as a text: {remedy}", path=path, line=record.line)
        yield record.line, record.values


def to_row(raw: dict[str, Any], asked: DataSet, path: Path | str, line: int) -> Row:
    """Raise PairsError where a field is missing or has a shape that Axolotl cannot read."""
    missing = [column for column in asked.columns.values() if raw.get(column) is None]
    if missing:
        raise PairsError(f"has no `{missing[0]}`", path=path, line=line)
    messages = _messages(raw[asked.field_messages], asked, path, line)
    if asked.is_pairs:
        chosen, rejected = (_answer(raw[f], f, asked, path, line) for f in (asked.field_chosen, asked.field_rejected))
        return Row(line, tuple(messages), chosen, rejected, raw)
    if not messages or messages[-1]["role"] != "assistant":
        raise PairsError("does not end with an assistant's turn, so there is nothing to learn", path=path, line=line)
    return Row(line, tuple(messages[:-1]), messages[-1]["content"], None, raw)


def _messages(value: Any, asked: DataSet, path: Path | str, line: int) -> list[Message]:
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if not isinstance(value, list):
        raise PairsError(f"`{asked.field_messages}` is not a list of messages", path=path, line=line)
    return [_message(item, asked, path, line) for item in value]


def _message(item: Any, asked: DataSet, path: Path | str, line: int) -> Message:
    if not isinstance(item, dict) or not all(isinstance(item.get(k), str) for k in (asked.role, asked.content)):
        raise PairsError(f"has a message that is not {{{asked.role}, {asked.content}}} of texts", path=path, line=line)
    role = asked.roles.get(item[asked.role])
    if role is None:
        raise PairsError(f"has the unknown role {item[asked.role]!r}; map it with `roles`", path=path, line=line)
    return {"role": role, "content": item[asked.content]}


def _answer(value: Any, column: str, asked: DataSet, path: Path | str, line: int) -> str:
    """A text, a message, or a list of messages of which Axolotl takes the last."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        value = value[-1]
    message = _message(value, asked, path, line)
    if message["role"] != "assistant":
        raise PairsError(f"`{column}` is a turn of the {message['role']}, not of the assistant", path=path, line=line)
    return message["content"]
