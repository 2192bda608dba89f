"""A JSON list, item by item, each with the line it begins on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from blindside.reading import LONGEST, MEGABYTE, too_deep

_FIRST = 8192  # characters that an item is looked for in at first
_CUT = 12  # so near to the end of a window an error may come from the cut


class BrokenList(ValueError):
    """`problem` says what is wrong, `line` where, from 1."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def items(text: str) -> Iterator[tuple[int, Any]]:
    """(line, value) of each item of the list that `text` begins with. Raises BrokenList."""
    at, line, counted = text.index("[") + 1, 1, 0
    while (at := _skip(text, at)) < len(text) and text[at] != "]":
        line, counted = line + text.count("\n", counted, at), at
        value, at = _item(text, at, line)
        yield line, value
    if at >= len(text):
        raise BrokenList("the list is not closed", text.count("\n") + 1)


def _item(text: str, at: int, line: int) -> tuple[Any, int]:
    """The item that begins at `at`, and where it ends: looked for in a window that grows no further than one may."""
    size = _FIRST
    while True:
        window = text[at : at + size]
        last = len(window) < size or size > LONGEST
        try:
            value, end = json.JSONDecoder().raw_decode(window)
        except json.JSONDecodeError as error:
            cut = error.pos > len(window) - _CUT or error.msg.startswith("Unterminated")
            if cut and len(window) > LONGEST:
                raise BrokenList(f"an item is larger than {LONGEST // MEGABYTE} MB, or not closed", line) from None
            if last or not cut:
                raise BrokenList(f"is not JSON ({error.msg})", line + error.lineno - 1) from None
        except RecursionError:
            raise BrokenList("is nested too deeply", line) from None
        except ValueError:
            raise BrokenList("has a number of thousands of digits", line) from None
        else:
            if last or end < len(window):  # else a number may go on behind the window
                if too_deep(value):
                    raise BrokenList("is nested too deeply", line)
                return value, at + end
        size *= 4


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at
