"""The first problem that pydantic found, as the beginning of a sentence that a remedy follows."""

from __future__ import annotations

import reprlib

from pydantic import ValidationError


def first_problem(error: ValidationError, *, whole: str = "file", value: bool = False) -> str:
    """Like "overlap.share: Input should be less than or equal to 1".

    `whole` stands for the field where the problem is about none, and may be empty; `value` adds what was given.
    """
    first = error.errors()[0]
    field = field_of(error) or whole
    message = first["msg"].removeprefix("Value error, ")
    given = f", not {reprlib.repr(first['input'])}" if value and first["type"] != "value_error" else ""
    return f"{field}: {message}{given}" if field else f"{message}{given}"


def field_of(error: ValidationError) -> str:
    """The first field that is wrong, with a dot before each inner one; empty where it is about none."""
    return ".".join(str(part) for part in error.errors()[0]["loc"])
