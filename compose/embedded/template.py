"""The chat template: from messages to the text that the model reads.

TGI reads the template from tokenizer_config.json or chat_template.json and from nowhere else; a folder that has
only chat_template.jinja answers "template not found" there, and so it does here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from compose.embedded.protocol import template_error


class ChatTemplate:
    """A model's chat template, or the lack of one."""

    def __init__(self, source: str | None, bos: str | None, eos: str | None) -> None:
        self.names = {"bos_token": bos, "eos_token": eos}
        self._template: Any = None
        if source is not None:
            self._template = _environment().from_string(_adapted(source))

    @classmethod
    def of_folder(cls, folder: Path) -> ChatTemplate:
        """The template that TGI would find in this folder."""
        settings = _json(folder / "tokenizer_config.json")
        alone = _json(folder / "chat_template.json")
        source = _single(alone.get("chat_template")) or _single(settings.get("chat_template"))
        return cls(source, _token(settings.get("bos_token")), _token(settings.get("eos_token")))

    def render(self, messages: list[dict[str, Any]]) -> str:
        """The prompt for these messages; where the last one is the assistant's, its beginning is continued."""
        if self._template is None:
            raise template_error("template not found")
        flat = [{"role": message["role"], "content": _text(message)} for message in messages]
        try:
            text: str = self._template.render(messages=flat, add_generation_prompt=True, tools=None, **self.names)
        except (TemplateError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise template_error(str(error)) from error
        if flat and flat[-1]["role"] == "assistant" and (found := text.rfind(flat[-1]["content"])) >= 0:
            return text[: found + len(flat[-1]["content"])].rstrip()
        return text


def _text(message: dict[str, Any]) -> str:
    """A message's content as one string."""
    if "tool_calls" in message:
        return json.dumps(message["tool_calls"], separators=(",", ":"), ensure_ascii=False)
    content = message["content"]
    return content if isinstance(content, str) else "".join(piece["text"] for piece in content)


def _environment() -> ImmutableSandboxedEnvironment:
    # TGI's template engine prints none, true and false in lower case, and trims no blocks.
    plain: Callable[[Any], Any] = lambda v: str(v).lower() if v is None or isinstance(v, bool) else v  # noqa: E731
    environment = ImmutableSandboxedEnvironment(finalize=plain, extensions=["jinja2.ext.loopcontrols"])
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    return environment


def _raise(problem: str) -> None:
    raise TemplateError(f"syntax error: {problem} (in <string>)")


def _adapted(source: str) -> str:
    """The marks for training masks mean nothing when answering."""
    return source.replace("{% generation %}", "").replace("{% endgeneration %}", "")


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    value = json.loads(path.read_text(encoding="utf-8"))
    return value if isinstance(value, dict) else {}


def _single(template: Any) -> str | None:
    """The template itself, or the one named default among several."""
    if isinstance(template, list):
        return next((one["template"] for one in template if one.get("name") == "default"), None)
    return template if isinstance(template, str) else None


def _token(token: Any) -> str | None:
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None
