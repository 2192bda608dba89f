"""Cells that hold a list: JSON, or Python's repr, as pandas writes lists into CSV."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from blindside.reading import MEGABYTE, parse_json, too_deep
from blindside.tables.rows import Excluded, Record, Unusable

NOT_A_LIST = "a list that cannot be read"
#: An object is taken as a turn or an answer where it has one of these sets of names.
_KNOWN = ({"role", "content"}, {"from", "value"}, {"answer", "rank"}, {"response"})
_BEGINS = re.compile(r"\s*(?:array\()?\[?\s*\{\s*['\"](?:role|content|from|value|answer|rank|response)['\"]\s*:")
_ARRAY = re.compile(r"\s*array\((.*?)(?:,\s*dtype=\w+)?\)\s*", re.DOTALL)
_LIST = re.compile(r"\s*\[\s*(?:['\"].*['\"]\s*,?\s*)?\]\s*", re.DOTALL)


def record_of(path: str, line: int, values: Mapping[str, Any]) -> Record | Excluded:
    """A row, the lists of messages in its texts read."""
    try:
        read = {str(name): value_of(value, str(name)) for name, value in values.items()}
    except Unusable as error:
        return Excluded(path, line, error.reason, error.detail)
    return Record(path, line, read, tuple(str(name) for name, value in values.items() if read[str(name)] is not value))


def value_of(text: Any, column: str) -> Any:
    """The conversation, or the listed answers, that a text holds; any other value as it is.

    Raises Unusable for a text that begins like such a list and is none.
    """
    if not isinstance(text, str) or not _BEGINS.match(text):
        return text
    value = _parsed(text)
    items = value if isinstance(value, list) else [value]
    if all(isinstance(item, dict) and any(names <= item.keys() for names in _KNOWN) for item in items):
        return value
    if value is not None:
        return text
    raise Unusable(
        NOT_A_LIST,
        f"`{column}` begins like a list of messages, but is neither JSON nor Python (is it cut, or printed by NumPy, "
        "without commas?): write the column as JSON",
    )


def texts_of(text: str, column: str) -> list[str] | None:
    """The list of texts that a text is, as JSON or Python; None where it is none. Raises Unusable where it is open."""
    if not _LIST.fullmatch(text):
        return None
    value = _parsed(text)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    try:
        parse_json(text)
    except ValueError:
        if _concatenates(text):
            raise Unusable(
                NOT_A_LIST, f"`{column}` is a list without commas, as NumPy prints it: write the column as JSON"
            ) from None
    return value


def _parsed(text: str) -> Any:
    """The value of JSON or of a Python literal; None for neither."""
    try:
        return parse_json(text)
    except ValueError:
        pass
    if len(text) > MEGABYTE:  # a syntax tree takes a hundred times its text
        return None
    array = _ARRAY.fullmatch(text)
    try:
        value = ast.literal_eval((array[1] if array else text).strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return None if too_deep(value) else value


def _concatenates(text: str) -> bool:
    """Whether two texts stand side by side without a comma, which Python reads as one."""
    kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(text.strip()).readline)]
    kinds = [kind for kind in kinds if kind not in (tokenize.NL, tokenize.NEWLINE)]
    return any(pair == (tokenize.STRING, tokenize.STRING) for pair in pairwise(kinds))
