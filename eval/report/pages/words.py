"""The pages' words in English and Chinese: an English text is its own key, chinese.yml has the other.

Sentences of the evidence are put together elsewhere, in English: a key with `{names}` fits any such sentence. What
stands for a name that ends in `_t` is translated in turn; for one that begins with `n_` only a number does. What fits
no key stays as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from blindside.yaml_files import read_yaml
from eval.judge.study.study import Language

CHINESE = Path(__file__).with_name("chinese.yml")
_NAME = re.compile(r"\\\{(\w+)\\\}")
#: Letters by which a key is distinguished from any other text.
_ENOUGH = 8
#: In an expression: a noun in the plural after a number, or after a number and its adjective.
_COUNTED = r"(\)\\ (?:(?:planned|parity|shared|skipped|more)\\ )?[a-z]+)s\b(?!\\ (?:were|are)\b)"
_ARE, _WERE = (rf"(\)\\ (?:planned\\ )?[a-z]+)s\\ {verb}\b" for verb in ("are", "were"))
#: What stands for a name that begins with `n_`.
_NUMBER = r"[-+−]?[\d.,]*\d%?"


class Words:
    """Says things in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        #: What stands between two sentences.
        self.gap = "" if language == "zh" else " "

    def __call__(self, text: str, /, **values: object) -> str:
        """A text of ours, its `{names}` filled in."""
        known = _table().get(text, text) if self.language == "zh" else text
        return known.format(**values) if values else known

    def count(self, n: int, noun: str) -> str:
        """So many of something; `noun` is the English word for one."""
        if self.language == "zh":
            return self("{n} %ss" % noun, n=f"{n:,}")  # noqa: UP031
        return f"{n:,} {noun}" + ("" if n == 1 else "s")

    def sentence(self, text: str) -> str:
        """A sentence, or a part of one, that the evidence made."""
        return text if self.language == "en" else _chinese(text)


@lru_cache(maxsize=2)
def words(language: Language) -> Words:
    return Words(language)


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    return {str(english): str(chinese) for english, chinese in read_yaml(CHINESE).items()}


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Those with names, the most literal text first."""
    plain = {key: re.sub(r"\{\w+\}", "", key) for key in _table() if "{" in key}
    named = sorted((key for key in plain if _is_sentence(key, plain[key])), key=lambda key: -len(plain[key]))
    return [(re.compile(_fits(key), re.DOTALL), _table()[key]) for key in named]


def _fits(key: str) -> str:
    """The expression that a key stands for: a noun after a number may be one ("1 prompt was"), where it has an s."""
    fits = _NAME.sub(_group, re.escape(key))
    fits = re.sub(_COUNTED, r"\1s?", fits)
    fits = re.sub(_ARE, r"\1(?:s\\ are|\\ is)", fits)
    return re.sub(_WERE, r"\1(?:s\\ were|\\ was)", fits)


def _is_sentence(key: str, rest: str) -> bool:
    """Whether a key says enough of itself to be looked for in sentences that are put together elsewhere."""
    return len(rest) >= _ENOUGH or all(
        name.endswith("_t") or name.startswith("n_") for name in re.findall(r"{(\w+)}", key)
    )


def _group(name: re.Match[str]) -> str:
    return f"(?P<{name[1]}>{_NUMBER if name[1].startswith('n_') else '.+?'})"


@lru_cache(maxsize=4096)
def _chinese(text: str) -> str:
    if text in _table() and "{" not in text:
        return _table()[text]
    for pattern, chinese in _patterns():
        found = pattern.fullmatch(text)
        if found:
            parts = {name: _chinese(part) if name.endswith("_t") else part for name, part in found.groupdict().items()}
            return chinese.format(**parts)
    return text
