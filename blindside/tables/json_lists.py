"""Items of a JSON list, or of objects in a row, each with the line where it begins."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from typing import Any

from blindside.reading import LONGEST, MEGABYTE, no_number, too_deep

_FIRST = 8192  # characters that an item is looked for in at first
_DECODER = json.JSONDecoder(parse_constant=no_number)
_CUT = 12  # so near to the end of a window an error may come from the cut


class BrokenList(ValueError):
    """`problem` says what is wrong, `line` where, from 1."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def items(text: str) -> Iterator[tuple[int, Any]]:
    """(line, value) of each item of the list that `text` begins with. Raises BrokenList."""
    at = yield from _values(text, text.index("[") + 1)
    if at >= len(text):
        raise BrokenList("the list is not closed", text.count("\n") + 1)


def objects(text: str) -> Iterator[tuple[int, Any]]:
    """(line, value) of each value that stands in `text`, with nothing but white space between. Raises BrokenList."""
    at = yield from _values(text, 0)
    if at < len(text):
        raise BrokenList("a list is closed that was not opened", text.count("\n", 0, at) + 1)


def _values(text: str, at: int) -> Generator[tuple[int, Any], None, int]:
    """The values from `at` on; returns the place of a closing bracket, or the end."""
    line, counted = 1, 0
    while (at := _skip(text, at)) < len(text) and text[at] != "]":
        line, counted = line + text.count("\n", counted, at), at
        value, at = _item(text, at, line)
        yield line, value
    return at


def _item(text: str, at: int, line: int) -> tuple[Any, int]:
    """The item that begins at `at`, and where it ends: looked for in a window that grows no further than one may."""
    size = _FIRST
    while True:
        window = text[at : at + size]
        last = len(window) < size or size > LONGEST
        try:
            value, end = _DECODER.raw_decode(window)
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
            if last or end < len(window):  # else a number may continue behind the window
                if too_deep(value):
                    raise BrokenList("is nested too deeply", line)
                return value, at + end
        size *= 4


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at
