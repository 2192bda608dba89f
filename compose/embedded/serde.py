"""Reading JSON by a schema, with the errors that serde_json gives, word for word and column for column.

TGI's router answers a wrong body with serde_json's own sentence: what was found, what was expected, the path, the
line and the column in bytes. Clients print that sentence, so it is part of the protocol. Syntax and types are
checked in one pass from left to right, as serde_json does: the first mistake in the text is the one reported.
"""

from __future__ import annotations

import json
import re
from typing import Any

DEPTH_LIMIT = 128
_STOP = re.compile(rb'["\\\x00-\x1f]')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ESCAPES = {34: '"', 92: "\\", 47: "/", 98: "\b", 102: "\f", 110: "\n", 114: "\r", 116: "\t"}
_WHITE = b" \t\n\r"
_LONGEST_INT = 20  # characters: -2^63 and 2^64 - 1


class JsonError(Exception):
    """A body that cannot be read. `syntax` tells text that is no JSON from JSON of the wrong shape."""

    def __init__(self, text: str, *, syntax: bool) -> None:
        super().__init__(text)
        self.syntax = syntax


class Reader:
    """A cursor over the bytes of one JSON text, with the path to the value being read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.path: list[str | int] = []
        self.depth = 0

    # errors

    def wrong(self, problem: str, *, syntax: bool = False, at: int | None = None) -> JsonError:
        """The error at the cursor (or `at`), with its path and its line and column in bytes."""
        end = min(self.at if at is None else at, len(self.data))
        line = self.data.count(b"\n", 0, end) + 1
        column = end - (self.data.rfind(b"\n", 0, end) + 1)
        return JsonError(f"{self.where()}{problem} at line {line} column {column}", syntax=syntax)

    def bad_syntax(self, problem: str) -> JsonError:
        """A syntax error about the next byte, which counts into the column."""
        return self.wrong(problem, syntax=True, at=self.at + 1)

    def where(self) -> str:
        text = ""
        for step in self.path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return f"{text}: " if text else ""

    # scanning

    def peek(self) -> int:
        """The next byte that is not white space; -1 at the end."""
        while self.at < len(self.data) and self.data[self.at] in _WHITE:
            self.at += 1
        return self.data[self.at] if self.at < len(self.data) else -1

    def word(self, word: bytes) -> None:
        for expected in word:
            if self.at >= len(self.data):
                raise self.wrong("EOF while parsing a value", syntax=True)
            self.at += 1
            if self.data[self.at - 1] != expected:
                raise self.wrong("expected ident", syntax=True)

    def number(self) -> int | float:
        match = _NUMBER.match(self.data, self.at)
        if match is None:
            self.at += 1
            raise self.bad_syntax("invalid number")
        self.at = match.end()
        text = match.group()
        # Longer ones are no integers to serde, and past some thousands of digits none to Python.
        if len(text) <= _LONGEST_INT and text.lstrip(b"-").isdigit() and -(2**63) <= (whole := int(text)) < 2**64:
            return whole
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise self.wrong("number out of range", syntax=True)
        return value

    def string(self) -> str:
        """The string whose opening quote is the next byte."""
        self.at += 1
        parts: list[bytes] = []
        while True:
            found = _STOP.search(self.data, self.at)
            if found is None:
                self.at = len(self.data)
                raise self.wrong("EOF while parsing a string", syntax=True)
            parts.append(self.data[self.at : found.start()])
            self.at = found.end()
            if found.group() == b'"':
                return self._utf8(b"".join(parts))
            if found.group() != b"\\":
                raise self.wrong("control character (\\u0000-\\u001F) found while parsing a string", syntax=True)
            parts.append(self._escape().encode())

    def _utf8(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self.wrong("invalid unicode code point", syntax=True) from None

    def _byte(self) -> int:
        if self.at >= len(self.data):
            raise self.wrong("EOF while parsing a string", syntax=True)
        self.at += 1
        return self.data[self.at - 1]

    def _escape(self) -> str:
        kind = self._byte()
        if kind in _ESCAPES:
            return _ESCAPES[kind]
        if kind != ord("u"):
            raise self.wrong("invalid escape", syntax=True)
        first = self._hex()
        if 0xDC00 <= first <= 0xDFFF:
            raise self.wrong("lone leading surrogate in hex escape", syntax=True)
        if not 0xD800 <= first <= 0xDBFF:
            return chr(first)
        if self._byte() != ord("\\") or self._byte() != ord("u"):
            raise self.wrong("unexpected end of hex escape", syntax=True)
        second = self._hex()
        if not 0xDC00 <= second <= 0xDFFF:
            raise self.wrong("lone leading surrogate in hex escape", syntax=True)
        return chr(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))

    def _hex(self) -> int:
        digits = self.data[self.at : self.at + 4]
        if len(digits) < 4:
            self.at = len(self.data)
            raise self.wrong("EOF while parsing a string", syntax=True)
        self.at += 4
        if re.fullmatch(rb"[0-9a-fA-F]{4}", digits) is None:
            raise self.wrong("invalid escape", syntax=True)
        return int(digits, 16)

    # containers

    def enter(self) -> None:
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise self.bad_syntax("recursion limit exceeded")
        self.at += 1

    def leave(self) -> None:
        self.depth -= 1
        self.at += 1

    def more(self, close: bytes, kind: str, first: bool) -> bool:
        """Whether another element follows; the cursor stands on it, or on the closing byte."""
        byte = self.peek()
        if byte == close[0]:
            return False
        if byte < 0:
            raise self.wrong(f"EOF while parsing {kind}", syntax=True)
        if first:
            return True
        if byte != ord(","):
            raise self.bad_syntax(f"expected `,` or `{close.decode()}`")
        self.at += 1
        if self.peek() == close[0]:
            raise self.bad_syntax("trailing comma")
        if self.peek() < 0:
            raise self.wrong("EOF while parsing a value", syntax=True)
        return True

    def key(self) -> str:
        if self.peek() != ord('"'):
            raise self.bad_syntax("key must be a string")
        return self.string()

    def colon(self) -> None:
        byte = self.peek()
        if byte < 0:
            raise self.wrong("EOF while parsing an object", syntax=True)
        if byte != ord(":"):
            raise self.bad_syntax("expected `:`")
        self.at += 1

    # any value

    def scalar(self) -> Any:
        """The scalar under the cursor; a syntax error where there is none."""
        byte = self.peek()
        if byte < 0:
            raise self.wrong("EOF while parsing a value", syntax=True)
        if byte == ord('"'):
            return self.string()
        if byte in b"-0123456789":
            return self.number()
        for word, value in ((b"null", None), (b"true", True), (b"false", False)):
            if byte == word[0]:
                self.at += 1
                self.word(word[1:])
                return value
        raise self.bad_syntax("expected value")

    def anything(self) -> Any:
        """Whatever JSON value stands under the cursor."""
        byte = self.peek()
        if byte == ord("["):
            return self._array()
        if byte == ord("{"):
            return self._object()
        return self.scalar()

    def _array(self) -> list[Any]:
        self.enter()
        items: list[Any] = []
        while self.more(b"]", "a list", not items):
            items.append(self.anything())
        self.leave()
        return items

    def _object(self) -> dict[str, Any]:
        self.enter()
        items: dict[str, Any] = {}
        first = True
        while self.more(b"}", "an object", first):
            first = False
            key = self.key()
            self.colon()
            items[key] = self.anything()
        self.leave()
        return items

    def unexpected(self, expected: str) -> JsonError:
        """The error for a value of the wrong type: scalars are read first, as serde_json does."""
        byte = self.peek()
        if byte == ord("["):
            return self.wrong(f"invalid type: sequence, expected {expected}")
        if byte == ord("{"):
            return self.wrong(f"invalid type: map, expected {expected}")
        return self.wrong(f"invalid type: {describe(self.scalar())}, expected {expected}")


def dumps(body: Any) -> str:
    """JSON as serde_json writes it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def describe(value: Any) -> str:
    """A scalar as serde names it in an error."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    return f"string {_quoted(value)}"


def _quoted(text: str) -> str:
    named = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
    return '"' + "".join(named.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text) + '"'
