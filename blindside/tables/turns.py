"""Conversations in data sets: lists of turns under several names, and transcripts in one text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from blindside.tables.list_cells import value_of
from blindside.tables.rows import MALFORMED, Message, Unusable

CONFLICT = "conflicting prefixes"
_ROLE, _CONTENT = ("role", "from"), ("content", "value")
_ROLES = {
    **{role: role for role in ("system", "user", "assistant", "tool")},
    **dict.fromkeys(("human", "prompter"), "user"),
    **dict.fromkeys(("gpt", "bot", "model", "ai", "chatgpt"), "assistant"),
    "developer": "system",
}
_SPEAKER = re.compile(r"\n\n(Human|Assistant):")


@dataclass(frozen=True)
class Fields:
    """Names of columns, where they are not the usual ones: Axolotl's field_messages or field_prompt, field_system,
    field_chosen, field_rejected, message_property_mappings and roles (source role to Axolotl's)."""

    prompt: str = ""
    system: str = ""
    chosen: str = ""
    rejected: str = ""
    role: str = ""
    content: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)


def text_of(value: Any, column: str) -> str:
    """A text that UTF-8 can hold. Raises Unusable."""
    if value is None:
        raise Unusable(MALFORMED, f"has no `{column}`")
    if not isinstance(value, str):
        raise Unusable(MALFORMED, f"`{column}` is not a text but {type(value).__name__}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unusable(MALFORMED, f"`{column}` has half a character (a lone surrogate)") from None
    return value


def is_turn(value: Any) -> bool:
    return isinstance(value, dict)


def is_turns(value: Any) -> bool:
    """Whether it can be a conversation: a list of objects."""
    return isinstance(value, list) and all(is_turn(item) for item in value)


def turn(item: Any, column: str, fields: Fields) -> Message:
    """One message as {role, content}. Raises Unusable."""
    role = _get(item, (fields.role,) if fields.role else _ROLE)
    content = _get(item, (fields.content,) if fields.content else _CONTENT)
    if not isinstance(role, str):
        raise Unusable(MALFORMED, f"`{column}` has a message without a role")
    mapped = fields.roles.get(role) if fields.roles else _ROLES.get(role.lower())
    if mapped is None:
        raise Unusable(MALFORMED, f"`{column}` has the unknown role {role!r}; map it")
    if isinstance(content, list):
        content = _parts(content, column)
    return {"role": mapped, "content": text_of(content, f"{column}.content")}


def _parts(parts: list[Any], column: str) -> str:
    """The texts of a content in parts; thinking is none of it. Raises Unusable for a part that is no text."""
    texts: list[str] = []
    for part in parts:
        kind = part.get("type") if is_turn(part) else None
        if kind in ("text", "input_text", "output_text"):
            texts.append(text_of(part.get("text"), f"{column}.content.text"))
        elif kind not in ("thinking", "reasoning"):
            raise Unusable(MALFORMED, f"`{column}` holds a part of type {kind!r}: only texts are read")
    return "".join(texts)


def _get(item: Any, names: Sequence[str]) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None) if is_turn(item) else None


def turns(value: Any, column: str, fields: Fields) -> tuple[Message, ...]:
    """A conversation: a list of turns, a transcript, or a text that the user says. Raises Unusable."""
    value = value_of(value, column)
    if isinstance(value, str):
        messages = transcript(text_of(value, column))
        return messages if messages is not None else ({"role": "user", "content": value},)
    if not is_turns(value) or not value:
        raise Unusable(
            MALFORMED, f"`{column}` is not a list of messages" if value is not None else f"has no `{column}`"
        )
    messages = tuple(turn(item, column, fields) for item in value)
    # An empty system message says nothing, and templates differ in what they make of it.
    return messages[1:] if messages[0] == {"role": "system", "content": ""} and len(messages) > 1 else messages


def transcript(text: str) -> tuple[Message, ...] | None:
    """The turns of "\\n\\nHuman: …\\n\\nAssistant: …"; None where it is no transcript. An open last turn is left out.

    The one space behind a speaker's colon belongs to the notation, everything else to the text.
    """
    if not _SPEAKER.match(text):
        return None
    parts = _SPEAKER.split(text)[1:]
    said = [
        {"role": "user" if who == "Human" else "assistant", "content": what.removeprefix(" ")}
        for who, what in zip(parts[::2], parts[1::2], strict=True)
    ]
    if said[-1]["role"] == "assistant" and not said[-1]["content"].strip():
        said.pop()
    return tuple(said)


def answer(value: Any, prompt: tuple[Message, ...], column: str, fields: Fields) -> str:
    """The answer to `prompt`: a text, a message, or a list that repeats the prompt before it. Raises Unusable."""
    if isinstance(value, str) or value is None:
        return text_of(value, column)
    said = (turn(value, column, fields),) if is_turn(value) else turns(value, column, fields)
    if said[-1]["role"] != "assistant":
        raise Unusable(MALFORMED, f"`{column}` ends with the {said[-1]['role']}'s turn, not the assistant's")
    before = said[:-1]
    if before and before != prompt and before != tuple(m for m in prompt if m["role"] != "system"):
        raise Unusable(CONFLICT, f"`{column}` begins with other turns than the prompt")
    return said[-1]["content"]


def full_conversations(chosen: Any, rejected: Any, fields: Fields) -> tuple[tuple[Message, ...], str, str]:
    """The shared turns and both last ones, of two whole conversations. Raises Unusable where the shared ones differ."""
    names = fields.chosen or "chosen", fields.rejected or "rejected"
    a, b = turns(chosen, names[0], fields), turns(rejected, names[1], fields)
    for said, name in ((a, names[0]), (b, names[1])):
        if said[-1]["role"] != "assistant":
            raise Unusable(MALFORMED, f"`{name}` ends with the {said[-1]['role']}'s turn, not the assistant's")
    if a[:-1] != b[:-1]:
        raise Unusable(CONFLICT, "chosen and rejected answer different conversations")
    if len(a) == 1:
        raise Unusable(MALFORMED, "chosen and rejected contain no prompt, and there is no column for one")
    return a[:-1], a[-1]["content"], b[-1]["content"]
