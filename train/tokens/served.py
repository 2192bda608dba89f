"""The token ids that a server is sent for a conversation, and generates for an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from train.export.servable import as_ids

Messages = list[dict[str, str]]
_MARK = "Q7mark"
_TURNS = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": _MARK}]


class ServedTokenizer:
    """The base's tokenizer and template, which are the ones that are exported.

    `file` is the base's tokenizer.json as the tokenizers library reads it, and as servers do. Transformers may read
    another tokenizer from the same folder: for some classes it builds its own splits (GPT-2's, of Granite and SmolLM2).
    """

    def __init__(self, tokenizer: Any, template: str | None, stops: list[int], file: Any = None) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.file = file
        added = tokenizer.get_added_vocab()
        self.turn = _turn(self.behind(), added)
        own = [] if tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)]
        turn = [] if self.turn is None else [self.turn]
        #: As train.export.export writes them: the end of the template's turns is among them.
        self.stops = list(dict.fromkeys([*stops, *own, *turn]))

    def render(self, messages: Messages, *, prompt: bool) -> str:
        given = {"chat_template": self.template, "tokenize": False, "add_generation_prompt": prompt}
        return str(self.tokenizer.apply_chat_template(messages, **given))

    def ids(self, text: str) -> list[int]:
        """As servers tokenize a rendered conversation: no special token is added to those of the template."""
        if self.file is not None:
            return list(self.file.encode(text, add_special_tokens=False).ids)
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def behind(self) -> str:
        """What the template writes behind an answer, as Axolotl takes it over."""
        return self.render(_TURNS, prompt=False).partition(_MARK)[2].rstrip() if self.template else ""

    def prompt(self, messages: Messages) -> tuple[str, list[int]]:
        text = self.render(messages, prompt=True)
        return text, self.ids(text)

    def answer(self, prompt: str, count: int, text: str) -> list[int]:
        """The ids of an answer without its end, behind a prompt of `count` ids."""
        return self.ids(prompt + text)[count:]

    def show(self, ids: list[int]) -> str:
        return " ".join(repr(token) for token in self.tokenizer.convert_ids_to_tokens(ids)) or "nothing"


def _turn(behind: str, added: dict[str, int]) -> int | None:
    ends = [content for content in added if behind.lstrip().startswith(content)]
    return added[max(ends, key=len)] if ends else None


def load(base: str, revision: str | None, other: str | None, *, trust: bool = False) -> ServedTokenizer:
    """Of a model folder or Hub id; the template `other` stands in where the base has none."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base, revision=revision, trust_remote_code=trust)
    own = tokenizer.chat_template
    own = own.get("default") if isinstance(own, dict) else own
    return ServedTokenizer(tokenizer, own or other, _stops(base, revision), _file(base, revision))


def _file(base: str, revision: str | None) -> Any:
    """tokenizer.json, without the cutting and filling that it may ask for; None where there is none."""
    from tokenizers import Tokenizer

    place = _cached(base, "tokenizer.json", revision)
    if place is None:
        return None
    found = Tokenizer.from_file(str(place))
    found.no_truncation()
    found.no_padding()
    return found


def _stops(base: str, revision: str | None) -> list[int]:
    """The ids that the base's generation_config.json and config.json stop at."""
    found: list[int] = []
    for name in ("generation_config.json", "config.json"):
        place = _cached(base, name, revision)
        config = json.loads(place.read_text(encoding="utf-8")) if place else {}
        found += as_ids(config.get("eos_token_id"))
    return found


def _cached(base: str, name: str, revision: str | None) -> Path | None:
    from transformers.utils import cached_file

    place = cached_file(base, name, revision=revision, _raise_exceptions_for_missing_entries=False)
    return Path(place) if place else None
