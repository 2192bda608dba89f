"""A model folder's chat template: where it is, whether copies agree, and what ends a turn."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from blindside.sandbox import LimitExceeded, Worker, WorkFailed
from train.errors import ExportError
from train.export.rendering import DATE

__all__ = [
    "DATE",
    "end_of_turn",
    "first_difference",
    "for_every_reader",
    "named_tokens",
    "prompts",
    "read_template",
    "special_tokens",
]

_USER = {"role": "user", "content": "Good morning? Ünïcode, 1+1"}
_ANSWER = "Q7mark"
_ASSISTANT = {"role": "assistant", "content": _ANSWER}
_SYSTEM = {"role": "system", "content": "Be brief."}
_PROBES: tuple[list[dict[str, str]], ...] = (
    [_USER],
    [_SYSTEM, _USER],
    [_USER, _ASSISTANT],
    [_USER, _ASSISTANT, _USER],
    [_SYSTEM, _USER, _ASSISTANT, _USER],
)


def read_template(folder: Path) -> str | None:
    """The chat template of a model folder, from chat_template.jinja or tokenizer_config.json; None where it has none.

    Raises ExportError where the two differ: one engine would read this one, and one the other.
    """
    file = folder / "chat_template.jinja"
    apart = file.read_text(encoding="utf-8") if file.exists() else None
    inside = _inside(folder / "tokenizer_config.json")
    if apart is not None and inside is not None and apart.rstrip() != inside.rstrip():
        raise ExportError(
            f"{folder} has two chat templates that differ, in chat_template.jinja and in tokenizer_config.json; "
            "delete the wrong one",
            field="chat_template",
        )
    return apart if apart is not None else inside


def _inside(path: Path) -> str | None:
    found = json.loads(path.read_text(encoding="utf-8")).get("chat_template") if path.exists() else None
    if isinstance(found, list):
        found = next((entry["template"] for entry in found if entry["name"] == "default"), None)
    return found if isinstance(found, str) else None


def special_tokens(folder: Path) -> dict[str, str]:
    """bos_token, eos_token … of a model folder, as a chat template sees them."""
    return named_tokens(json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")))


def named_tokens(tokenizer_config: dict[str, Any]) -> dict[str, str]:
    """As `special_tokens`, from the content of tokenizer_config.json."""
    found = {key: value for key, value in tokenizer_config.items() if key.endswith("_token")}
    texts = {key: value["content"] if isinstance(value, dict) else value for key, value in found.items()}
    return {key: value for key, value in texts.items() if isinstance(value, str)}


def prompts(
    template: str, conversations: Iterable[Sequence[dict[str, str]]], special: dict[str, str]
) -> Iterator[str | WorkFailed]:
    """What a server is sent for each conversation, or why the template refuses it; a date in it is DATE.

    Raises ExportError where the template takes too long.
    """
    for messages in conversations:
        try:
            yield _render(template, list(messages), special, prompt=True)
        except WorkFailed as error:
            yield error


def first_difference(one: str, other: str, special: dict[str, str]) -> tuple[str, str] | None:
    """Two renderings that differ, of the first conversation that the two templates render differently.

    Raises ExportError where one of them takes too long.
    """
    for messages in _PROBES:
        for prompt in (True, False):
            renderings = _outcome(one, messages, special, prompt), _outcome(other, messages, special, prompt)
            if renderings[0] != renderings[1]:
                return renderings
    return None


def end_of_turn(template: str, special: dict[str, str], added: dict[str, int]) -> int | None:
    """The id of the special token that the template puts right behind an answer; None where it puts none.

    Raises ExportError where the template takes too long.
    """
    try:
        text = _render(template, [_USER, _ASSISTANT], special, prompt=False)
    except WorkFailed:
        return None
    rest = text.partition(_ANSWER)[2].lstrip()
    ends = [content for content in added if rest.startswith(content)]
    return added[max(ends, key=len)] if ends else None


def for_every_reader(template: str, eos: str | None = None) -> str:
    """The template without what only transformers passes over; `eos` is what it continues to mean by `eos_token`.

    Raises ExportError where the template takes too long.
    """
    try:
        done = str(_worker(os.getpid()).ask({"source": template, "values": None}))
    except LimitExceeded as error:
        raise ExportError(f"the chat template {error}", field="chat_template") from None
    except WorkFailed:
        return template
    return done if eos is None or "eos_token" not in done else f"{{% set eos_token = {json.dumps(eos)} %}}{done}"


@cache
def _worker(_process: int) -> Worker:
    """One child for all templates of this process, which it ends with."""
    worker = Worker("train.export.rendering")
    atexit.register(worker.close)
    return worker


def _outcome(template: str, messages: list[dict[str, str]], special: dict[str, str], prompt: bool) -> str:
    try:
        return _render(template, messages, special, prompt=prompt)
    except WorkFailed as error:
        return f"refused: {error}"


def _render(template: str, messages: list[dict[str, str]], special: dict[str, str], *, prompt: bool) -> str:
    values = {"messages": messages, "add_generation_prompt": prompt, **special}
    try:
        return str(_worker(os.getpid()).ask({"source": template, "values": values}))
    except LimitExceeded as error:
        raise ExportError(f"the chat template {error}", field="chat_template") from None
