"""`expect`: what the answer to a prompt must contain, match or be, whoever gives it."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from eval.expect import schema
from eval.expect.patterns import Pattern

_FENCED = re.compile(r"\A```[\w-]*\n(.*)\n```\Z", re.DOTALL)


class Expect(BaseModel):
    """Every condition that is given must hold; one at least is given.

    - contains: each of these texts is in the answer, letter by letter.
    - regex: RE2 finds it in the answer (no back-references, no look-around).
    - equals: the answer, white space at its ends apart.
    - json_schema: the answer is JSON, alone or in one fenced block, and valid (Draft 2020-12).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contains: tuple[str, ...] = ()
    regex: str | None = Field(default=None, max_length=1000)
    equals: str | None = None
    json_schema: dict[str, Any] | bool | None = None

    @field_validator("contains", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list | tuple) and "" in texts:
            raise ValueError("an empty text is in every answer")
        return texts

    @field_validator("regex")
    @classmethod
    def _usable(cls, value: str | None) -> str | None:
        if value is not None:
            Pattern(value)
        return value

    @field_validator("json_schema")
    @classmethod
    def _known(cls, value: dict[str, Any] | bool | None) -> dict[str, Any] | bool | None:
        if value is not None:
            schema.check(value)
        return value

    @model_validator(mode="after")
    def _something(self) -> Expect:
        if not self.contains and self.regex is None and self.equals is None and self.json_schema is None:
            raise ValueError("give one of contains, regex, equals, json_schema")
        return self

    def met_by(self, answer: str) -> bool:
        """Whether an answer is as expected."""
        return (
            all(text in answer for text in self.contains)
            and (self.equals is None or answer.strip() == self.equals.strip())
            and (self.regex is None or Pattern(self.regex).found_in(answer))
            and (self.json_schema is None or _is_valid_json(answer, self.json_schema))
        )


def _is_valid_json(answer: str, asked: dict[str, Any] | bool) -> bool:
    text = answer.strip()
    fenced = _FENCED.match(text)
    try:
        value = json.loads(fenced[1] if fenced else text, parse_constant=_no_json)
        return schema.valid(value, asked)
    except (ValueError, RecursionError, OverflowError):  # 1e999 is JSON, and infinite
        return False


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
