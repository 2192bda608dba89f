"""Gold pairs, with a known answer: JSON lines of `id`, `prompt` or `messages`, `better`, `worse`, `category`.

Asked like any other pair, they tell how a reviewer judges. In their rows `tuned` stands for the better answer and
`base` for the worse.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError, model_validator

from blindside.reading import BadFile, read_lines
from blindside.validation import first_problem
from eval.errors import InputError
from eval.records import Message, Pair, Response, Row, Side, Text, sha256_text

PREFIX = "gold:"
R = TypeVar("R", bound=Row)


class GoldPair(Row):
    """One question with an answer that is known to be better than another one."""

    id: str = Field(min_length=1)
    messages: tuple[Message, ...] = Field(min_length=1)
    better: Text
    worse: Text
    category: str = ""

    @model_validator(mode="before")
    @classmethod
    def _one_prompt(cls, value: Any) -> Any:
        if isinstance(value, dict) and "prompt" in value and "messages" not in value:
            rest = {key: one for key, one in value.items() if key != "prompt"}
            return {**rest, "messages": [{"role": "user", "content": value["prompt"]}]}
        return value

    @model_validator(mode="after")
    def _different(self) -> GoldPair:
        if self.better == self.worse:
            raise ValueError("better and worse are the same text")
        return self

    @property
    def item(self) -> str:
        """What its rows are filed under."""
        return PREFIX + self.id

    def pair(self) -> Pair:
        """It as a pair that a reviewer is asked."""
        return written_pair(self.item, self.messages, self.worse, self.better, category=self.category)


def written_pair(item: str, messages: tuple[Message, ...], base: str, tuned: str, *, category: str = "") -> Pair:
    """A pair that no model answered: `base` and `tuned` are texts that somebody wrote."""

    def response(side: Side, text: str) -> Response:
        return Response(
            prompt_id=item,
            side=side,
            messages=messages,
            category=category,
            text=text,
            finish_reason="unknown",
            sha256=sha256_text(text),
            answered_at="",
        )

    sides = response("base", base), response("tuned", tuned)
    return Pair(prompt_id=item, messages=messages, category=category, base=sides[0], tuned=sides[1])


def read_gold(path: Path) -> list[GoldPair]:
    """The gold pairs of a file. Raises InputError naming file, line and field."""
    return read_pairs(path, GoldPair, "gold.file")


def read_pairs(path: Path, row: type[R], setting: str) -> list[R]:
    """The rows of the JSON lines that `setting` of a study names. Raises InputError naming file, line and field."""
    try:
        with path.open("rb") as file:
            return [_parse(path, row, number, line) for number, line in read_lines(file) if line.strip()]
    except BadFile as error:
        raise InputError(error.problem, path=path, line=error.line) from None
    except OSError as error:
        problem = f"cannot be read ({error.strerror}): correct {setting} in the study"
        raise InputError(problem, path=path) from None


def _parse(path: Path, row: type[R], number: int, line: bytes) -> R:
    try:
        return row.model_validate_json(line)
    except ValidationError as error:
        raise InputError(f"{first_problem(error, whole='')}: correct the line", path=path, line=number) from None
