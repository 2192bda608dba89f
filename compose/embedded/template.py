"""The chat template: from messages to the text that the model reads.

TGI reads the template from tokenizer_config.json or chat_template.json and from nowhere else; a folder that has
only chat_template.jinja answers "template not found" there, and so it does here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from blindside.sandbox import LimitExceeded, Worker, WorkFailed
from compose.embedded.protocol import template_error


class ChatTemplate:
    """A model's chat template, or the lack of one."""

    def __init__(self, source: str | None, bos: str | None, eos: str | None) -> None:
        """Raises WorkFailed for what is no template, LimitExceeded for one that takes too long to read."""
        self.names = {"bos_token": bos, "eos_token": eos}
        self._source = source
        self._worker = Worker("compose.embedded.rendering")
        #: Renderings take turns in a thread of their own, so that none that is slow holds up what is no chat.
        self._thread = ThreadPoolExecutor(1, "templates")
        if source is not None:
            self._worker.ask({"source": source, "values": None})

    @classmethod
    def of_folder(cls, folder: Path) -> ChatTemplate:
        """The template that TGI would find in this folder."""
        settings = _json(folder / "tokenizer_config.json")
        alone = _json(folder / "chat_template.json")
        source = _single(alone.get("chat_template")) or _single(settings.get("chat_template"))
        return cls(source, _token(settings.get("bos_token")), _token(settings.get("eos_token")))

    async def render(self, messages: Sequence[tuple[str, str]]) -> str:
        """The prompt for these (role, text); where the last one is the assistant's, its beginning is continued."""
        if self._source is None:
            raise template_error("template not found")
        flat = [{"role": role, "content": text} for role, text in messages]
        values = {"messages": flat, "add_generation_prompt": True, "tools": None, **self.names}
        job = {"source": self._source, "values": values}
        try:
            text = str(await asyncio.get_running_loop().run_in_executor(self._thread, self._worker.ask, job))
        except LimitExceeded as error:
            raise template_error(f"the chat template {error}") from error
        except WorkFailed as error:
            raise template_error(str(error)) from error
        if flat and flat[-1]["role"] == "assistant" and (found := text.rfind(flat[-1]["content"])) >= 0:
            return text[: found + len(flat[-1]["content"])].rstrip()
        return text

    def close(self) -> None:
        self._worker.close()
        self._thread.shutdown(wait=False)


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
