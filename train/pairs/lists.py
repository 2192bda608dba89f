"""A JSON list, item by item, each with the line it begins on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


class BrokenList(ValueError):
    """`problem` says what is wrong, `line` where, from 1."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def items(text: str) -> Iterator[tuple[int, Any]]:
    """(line, value) of each item of the list that `text` begins with. Raises BrokenList."""
    decoder, at = json.JSONDecoder(), text.index("[") + 1
    line, counted = 1, 0
    while (at := _skip(text, at)) < len(text) and text[at] != "]":
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise BrokenList(f"is not JSON ({error.msg})", error.lineno) from None
        except RecursionError:
            raise BrokenList("is nested too deeply", line) from None
        yield line, value
    if at >= len(text):
        raise BrokenList("the list is not closed", text.count("\n") + 1)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at
