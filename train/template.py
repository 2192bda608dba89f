"""A model folder's chat template: where it is, whether two of them say the same, and what ends a turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from train.errors import ExportError

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


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def render(template: str, messages: list[dict[str, str]], special: dict[str, str], prompt: bool) -> str:
    """As transformers renders it. Raises jinja2.TemplateError."""
    world = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    world.globals["raise_exception"] = _refuse
    world.globals["strftime_now"] = lambda _format: "26 Jul 2026"
    world.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    values: dict[str, Any] = {"messages": messages, "add_generation_prompt": prompt, **special}
    return world.from_string(template).render(values)


def _outcome(template: str, messages: list[dict[str, str]], special: dict[str, str], prompt: bool) -> str:
    try:
        return render(template, messages, special, prompt)
    except TemplateError as error:
        return f"refused: {error}"


def first_difference(one: str, other: str, special: dict[str, str]) -> tuple[str, str] | None:
    """Two renderings that differ, of the first conversation that the two templates render differently."""
    for messages in _PROBES:
        for prompt in (True, False):
            renderings = tuple(_outcome(t, messages, special, prompt) for t in (one, other))
            if renderings[0] != renderings[1]:
                return renderings[0], renderings[1]
    return None


def end_of_turn(template: str, special: dict[str, str], added: dict[str, int]) -> int | None:
    """The id of the special token that the template puts right behind an answer; None where it puts none."""
    try:
        text = render(template, [_USER, _ASSISTANT], special, prompt=False)
    except TemplateError:
        return None
    rest = text.partition(_ANSWER)[2].lstrip()
    ends = [content for content in added if rest.startswith(content)]
    return added[max(ends, key=len)] if ends else None
