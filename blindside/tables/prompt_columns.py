"""The columns of a prompt: question, context, system prompt; and template marks that do not belong there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from blindside.tables.rows import Message, TrackedRow, filled, first_filled
from blindside.tables.turns import text_of
from blindside.words import counted

#: Columns in the order in which they are looked for.
CONVERSATION = ("messages", "conversation", "conversations")
QUESTION = ("prompt", "instruction", "question", "turns", "text", "input")
SYSTEM = ("system", "system_prompt", "system_message")
_ADDED, _CHOICES = ("input", "context"), ("choices", "options")
#: Columns that belong to the question beside them.
PARTS = (*_ADDED, *_CHOICES)
_MARKS = re.compile(
    r"<\|im_(?:start|end)\|>|<\|(?:start|end)_header_id\|>|<\|eot_id\|>|<\|begin_of_text\|>|<\|endoftext\|>"
    r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<\|(?:user|assistant|system|end|channel|message)\|>"
    r"|^### (?:Instruction|Response|Input):|^(?:Human|Assistant|USER|ASSISTANT): ?",
    re.MULTILINE,
)


def template_mark(*texts: str) -> str:
    """The first mark of a chat template in one of the texts, or nothing: the server puts its own around them."""
    found = next(filter(None, map(_MARKS.search, texts)), None)
    return found[0].strip() if found else ""


def marks_sentence(count: int, mark: str, what: str) -> str:
    carrying = counted(count, f"{what} has", f"{what}s have")
    return f"{carrying} mark-up of a chat template ({mark}), and the model's own template is added around it"


def with_parts(values: Mapping[str, Any], column: str, text: str) -> str:
    """The question in `column` and what belongs to it, a blank line between: input, context, and choices by letter."""
    used = [name for name in _ADDED if column != "input" and isinstance(values.get(name), str) and filled(values[name])]
    parts = [text, *(text_of(values[name], name) for name in used)]
    name = first_filled(values, _CHOICES)
    if name is not None and (choices := _lettered(values[name])):
        parts.append(choices)
        used.append(name)
    _leave(values, set(PARTS) - {*used, column})
    return "\n\n".join(parts)


def _leave(values: Mapping[str, Any], names: Iterable[str]) -> None:
    """Columns that were looked at, and hold nothing that can be used."""
    if isinstance(values, TrackedRow):
        for name in names:
            values.leave(name)


def _lettered(value: Any) -> str:
    """Choices as lines; nothing where they are no list of texts (ARC has them in `text`, with labels beside)."""
    texts, labels = (value.get("text"), value.get("label")) if isinstance(value, Mapping) else (value, None)
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        return ""
    names = (
        labels if isinstance(labels, list) and len(labels) == len(texts) else [chr(65 + n) for n in range(len(texts))]
    )
    return "\n".join(f"{name}. {text}" for name, text in zip(names, texts, strict=True))


def with_system(values: Mapping[str, Any], named: str, messages: Sequence[Message]) -> tuple[Message, ...]:
    """A system column that is not empty goes first, where the conversation has no system turn of its own."""
    column = named or first_filled(values, SYSTEM)
    if column is None or messages[0]["role"] == "system" or not filled(values.get(column)):
        _leave(values, [column] if column else [])
        return tuple(messages)
    return ({"role": "system", "content": text_of(values[column], column)}, *messages)
