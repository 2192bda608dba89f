"""Rows from JSON: lines, lists, wrapped lists, pandas frames, pretty-printed objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import IO, Any

from blindside.reading import WHOLE, BadFile, parse_json, read_lines, read_whole
from blindside.tables.json_lists import BrokenList, items, objects
from blindside.tables.list_cells import record_of
from blindside.tables.rows import Excluded, Record

Rows = Iterator[Record | Excluded]
NOT_JSON, NOT_UTF8 = "not a JSON object", "not UTF-8"
#: Under which a list of rows stands in an object.
_AROUND = ("data", "rows", "examples", "records", "items", "prompts", "questions", "instances", "samples", "results")
_ROW_OF_THE_HUB = {"row_idx", "row", "truncated_cells"}


def json_lines(path: str, file: IO[bytes]) -> Rows:
    """An object a line; a line that is none is an Excluded. Objects printed over several lines are read at once."""
    numbered = read_lines(file)
    for number, line in numbered:
        if not line.strip():
            continue
        if _goes_on(line):
            yield from json_text(path, b"\n" * (number - 1) + line + b"".join(rest for _, rest in _bounded(numbered)))
            return
        yield line_row(path, number, line)
        break
    for number, line in numbered:
        if line.strip():
            yield line_row(path, number, line)


def _goes_on(line: bytes) -> bool:
    """Whether a first line is the beginning of an object or a list that later lines end."""
    if not re.match(rb"\s*(?:[\[{]\s*$|\[\s*\{)", line):
        return False
    try:
        parse_json(line)
    except ValueError:
        return True
    return False


def _bounded(numbered: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    total = 0
    for number, line in numbered:
        total += len(line)
        if total > WHOLE:
            raise BadFile("is printed over several lines and too large: use JSONL, one object per line", number)
        yield number, line


def line_row(path: str, number: int, line: bytes) -> Record | Excluded:
    try:
        value = parse_json(line)
    except UnicodeDecodeError:
        return Excluded(path, number, NOT_UTF8, "is not UTF-8: save it as UTF-8")
    except ValueError as error:
        return Excluded(path, number, NOT_JSON, f"is not JSON ({error}): correct or remove the line")
    return object_row(path, number, value)


def object_row(path: str, number: int, value: Any) -> Record | Excluded:
    """A row; texts in it that are lists of messages are read as such."""
    if not isinstance(value, dict):
        return Excluded(path, number, NOT_JSON, f'must be an object like {{"prompt": …}}, not {_kind(value)}')
    if value.keys() <= _ROW_OF_THE_HUB and isinstance(value.get("row"), dict):
        value = value["row"]
    return record_of(path, number, value)


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def json_file(path: str, file: IO[bytes]) -> Rows:
    """A list, an object around rows, or objects line by line under the same suffix."""
    return json_text(path, read_whole(file))


def json_text(path: str, data: bytes) -> Rows:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFile("is not UTF-8: save it as UTF-8", line) from None
    try:
        if text.lstrip().startswith("["):
            yield from _listed(path, items(text))
        elif _by_line(text):
            yield from (line_row(path, n, one.encode()) for n, one in enumerate(text.split("\n"), 1) if one.strip())
        else:
            yield from _objects(path, text)
    except BrokenList as error:
        remedy = "is the file complete?" if "closed" in error.problem else "correct it there"
        raise BadFile(f"{error.problem}: {remedy}", error.line) from None


def _listed(path: str, values: Iterator[tuple[int, Any]]) -> Rows:
    """Items of a list; texts in it are prompts."""
    for line, value in values:
        yield object_row(path, line, {"text": value} if isinstance(value, str) else value)


def _by_line(text: str) -> bool:
    first, _, rest = text.strip().partition("\n")
    if not rest.strip():
        return False
    try:
        parse_json(first)
    except ValueError:
        return False
    return True


def _objects(path: str, text: str) -> Rows:
    found = objects(text)
    first = next(found, None)
    if first is None:
        return
    second = next(found, None)
    if second is None and isinstance(first[1], dict):
        yield from _one(path, first[0], first[1], text)
    else:
        yield from (object_row(path, *one) for one in chain([first], [second] if second else [], found))


def _one(path: str, line: int, value: dict[str, Any], text: str) -> Rows:
    """The rows in the one object that a file is: under a known name, in a frame's columns, or itself."""
    name = next((name for name in _AROUND if _holds_rows(value.get(name))), None)
    if name is not None and not {"prompt", "messages", "instruction", "question"} & value.keys():
        return _listed(path, _with_lines(name, value[name], text))
    if {"columns", "data"} <= value.keys() and isinstance(value["columns"], list):
        return _listed(path, enumerate((dict(zip(value["columns"], row, strict=False)) for row in value["data"]), 1))
    frame = list(value.values())
    if frame and all(isinstance(one, dict) and one and all(key.isdigit() for key in one) for one in frame):
        keys = dict.fromkeys(key for one in frame for key in one)
        return _listed(path, enumerate(({name: one.get(key) for name, one in value.items()} for key in keys), 1))
    return iter([object_row(path, line, value)])


def _holds_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict | str) for one in value)


def _with_lines(name: str, rows: list[Any], text: str) -> Iterator[tuple[int, Any]]:
    """Each row with its line, where the list is found again in the text; else with its number."""
    at = re.search(rf'"{name}"\s*:\s*\[', text)
    if at is not None:
        above = text.count("\n", 0, at.end() - 1)
        found = [(above + line, value) for line, value in items(text[at.end() - 1 :])]
        if [value for _, value in found] == rows:
            return iter(found)
    return enumerate(rows, start=1)
