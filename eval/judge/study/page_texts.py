"""The texts of the judging page in a language: one by its key, a tag's words, or all for the script."""

from __future__ import annotations

import json

from eval.judge.study.localized import Language
from eval.judge.study.string_table import LANGUAGES, STRINGS


def text_of(key: str, language: Language, /, **values: object) -> str:
    """The string in a language. Raises KeyError for a key that is not in the table, or a value that is not given."""
    return STRINGS[key][LANGUAGES.index(language)].format(**values)


def tag_text(tag: str, language: Language) -> str:
    """A known tag's words; another one as it is."""
    return text_of(f"tag_{tag}", language) if f"tag_{tag}" in STRINGS else tag


def strings_json() -> str:
    """The whole table for the page's script, as JSON that can stand in a <script>: language -> key -> string."""
    whole = {language: {key: both[at] for key, both in STRINGS.items()} for at, language in enumerate(LANGUAGES)}
    return json.dumps(whole, ensure_ascii=False).replace("<", "\\u003c")
