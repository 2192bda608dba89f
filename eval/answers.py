"""responses.jsonl: what both models answered. Written by eval.collect, read by everything after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from blindside.garbage import collected_later
from blindside.validation import first_problem
from eval.errors import InputError
from eval.journal import json_lines
from eval.records import SIDES, Failure, Message, Pair, Prompt, Response, Side

_LINE: TypeAdapter[Response | Failure] = TypeAdapter(Annotated[Response | Failure, Field(discriminator="kind")])

Key = tuple[str, Side]


@dataclass
class Answers:
    """What responses.jsonl holds. `failures` are the keys that have no response: a later response settles a failure."""

    responses: dict[Key, Response] = field(default_factory=dict)
    failures: dict[Key, Failure] = field(default_factory=dict)
    #: The pairs that were asked for last, and of which prompts.
    _pairs: tuple[list[Prompt], list[Pair]] | None = field(default=None, repr=False, compare=False)

    def add(self, row: Response | Failure) -> None:
        """Raises ValueError for a second response to the same prompt by the same side."""
        key: Key = (row.prompt_id, row.side)
        self._pairs = None
        if isinstance(row, Failure):
            if key not in self.responses:
                self.failures[key] = row
            return
        if key in self.responses:
            raise ValueError(f"a second answer of {row.side} to prompt {row.prompt_id}")
        self.responses[key] = row
        self.failures.pop(key, None)

    def missing(self, prompts: Iterable[Prompt]) -> list[tuple[Prompt, Side]]:
        """The (prompt, side) that have no response yet, in the order of the prompts; failed ones among them."""
        return [(p, side) for p in prompts for side in SIDES if (p.id, side) not in self.responses]

    def pairs(self, prompts: Iterable[Prompt]) -> list[Pair]:
        """The prompts that both sides answered, in the order of the prompts."""
        asked = list(prompts)
        if self._pairs is None or self._pairs[0] != asked:
            # Made of rows that were checked when they were read.
            both = ((p, self.responses.get((p.id, "base")), self.responses.get((p.id, "tuned"))) for p in asked)
            with collected_later():
                found = [
                    Pair.model_construct(
                        prompt_id=p.id, messages=p.messages, category=p.category, base=base, tuned=tuned
                    )
                    for p, base, tuned in both
                    if base is not None and tuned is not None
                ]
            self._pairs = asked, found
        return list(self._pairs[1])


class _Lighter:
    """Lets rows share what is equal in them: the names of their fields, and what both sides were asked. A set and a
    conversation of its own take half of a row's memory."""

    def __init__(self) -> None:
        self._fields: dict[frozenset[str], set[str]] = {}
        self._asked: dict[str, tuple[Message, ...]] = {}

    def __call__(self, row: Response | Failure) -> Response | Failure:
        names = row.__pydantic_fields_set__
        object.__setattr__(row, "__pydantic_fields_set__", self._fields.setdefault(frozenset(names), names))
        if isinstance(row, Response):
            asked = self._asked.setdefault(row.prompt_id, row.messages)
            if asked == row.messages:
                row.__dict__["messages"] = asked
        return row


@dataclass
class AnsweredKeys:
    """Who has answered what, without the answers: a collection holds no more of them than this. `failures` as above."""

    answered: dict[Side, set[str]] = field(default_factory=lambda: {side: set() for side in SIDES})
    failures: dict[Key, Failure] = field(default_factory=dict)

    def add(self, row: Response | Failure) -> None:
        """Raises ValueError for a second response to the same prompt by the same side."""
        ids = self.answered[row.side]
        if isinstance(row, Failure):
            if row.prompt_id not in ids:
                self.failures[row.prompt_id, row.side] = row
            return
        if row.prompt_id in ids:
            raise ValueError(f"a second answer of {row.side} to prompt {row.prompt_id}")
        ids.add(row.prompt_id)
        self.failures.pop((row.prompt_id, row.side), None)

    @property
    def count(self) -> int:
        """Answers of both sides."""
        return sum(map(len, self.answered.values()))

    def missing(self, prompts: Iterable[Prompt]) -> list[tuple[Prompt, Side]]:
        """As `Answers.missing`."""
        return [(p, side) for p in prompts for side in SIDES if p.id not in self.answered[side]]


def encode(rows: Iterable[Response | Failure]) -> bytes:
    """Lines for responses.jsonl."""
    return "".join(row.model_dump_json() + "\n" for row in rows).encode()


def read_answers(path: Path) -> Answers:
    """Read a responses.jsonl; a missing file holds nothing, a torn last line is left out and logged.

    Raises InputError with file and line for a line that is no row, or answers what was answered before.
    """
    answers, lighter = Answers(), _Lighter()
    with collected_later():
        _read_into(path, lambda row: answers.add(lighter(row)))
    return answers


def read_answered_keys(path: Path) -> AnsweredKeys:
    """As `read_answers`, keeping no text."""
    settled = AnsweredKeys()
    _read_into(path, settled.add)
    return settled


def read_responses(path: Path) -> Iterator[Response]:
    """The responses of a responses.jsonl one after the other, in the order of the file. Raises as `read_answers`."""
    return (row for _, row in _rows(path) if isinstance(row, Response))


def _read_into(path: Path, add: Callable[[Response | Failure], None]) -> None:
    for number, row in _rows(path):
        try:
            add(row)
        except ValueError as error:
            raise InputError(f"{error}: remove one of the two lines", path=path, line=number) from None


def _rows(path: Path) -> Iterator[tuple[int, Response | Failure]]:
    """Each row with the number of its line."""
    if not path.is_file():
        return
    for number, line in json_lines(path):
        try:
            row = _LINE.validate_json(line)
        except ValidationError as error:
            problem = f"{first_problem(error, whole='line')}: remove the line to have it asked again"
            raise InputError(problem, path=path, line=number) from None
        yield number, row
