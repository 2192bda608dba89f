"""Practice pairs, in the reviewer's language: shown on the first visit, never recorded."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from eval.judge.study.gold import read_pairs, written_pair
from eval.judge.study.localized import Language, LocalizedText
from eval.records import Message, Pair, Row

ITEM = "practice:{number}"

#: The choices that a known answer takes; of two answers and of one.
_OF_TWO = {"a": "left", "b": "right", "tie": "tie", "both_bad": "both_bad"}
_OF_ONE = {"good": "up", "bad": "down"}


class PracticePair(Row):
    """A prompt with two answers, or in thumbs one (`a`), perhaps the verdict that is right, and why. A stands left."""

    prompt: LocalizedText
    a: LocalizedText
    b: LocalizedText | None = None
    answer: Literal["a", "b", "tie", "both_bad", "good", "bad", ""] = ""
    why: LocalizedText | None = None

    @property
    def expected(self) -> str:
        """The choice that is right: left, right, tie, both_bad, up or down; "" where none is known."""
        return {**_OF_TWO, **_OF_ONE}.get(self.answer, "")

    def check(self, mode: str) -> None:
        """Raises ValueError where a study of this mode cannot ask it."""
        if (self.b is None) != (mode == "thumbs"):
            raise ValueError(f"practice: mode {mode} takes {'one answer, a' if mode == 'thumbs' else 'a and b'}")
        if self.answer and self.answer not in (_OF_ONE if mode == "thumbs" else _OF_TWO):
            raise ValueError(f"practice: answer {self.answer} is none of mode {mode}")

    def pair(self, number: int, language: Language) -> Pair:
        """It as a pair that a reviewer is asked, A as the base; in thumbs both are A."""
        prompt, a, b = (words.say(language) for words in (self.prompt, self.a, self.b or self.a))
        return written_pair(ITEM.format(number=number), (Message(role="user", content=prompt),), a, b)


class OwnPractice(Row):
    """A study's own practice pairs, from a file or written here. `pass_mark`: so many must be right to continue."""

    file: str = ""
    pairs: tuple[PracticePair, ...] = ()
    pass_mark: int = Field(default=0, ge=0)


@lru_cache(maxsize=1)
def our_pairs() -> tuple[PracticePair, ...]:
    """Those that come with blindside, in the order in which they come."""
    written = yaml.safe_load(Path(__file__).with_name("practice.yml").read_bytes())
    return tuple(PracticePair.model_validate(one) for one in written)


def read_practice(path: Path) -> list[PracticePair]:
    """The practice pairs of a file of JSON lines. Raises InputError naming file, line and field."""
    return read_pairs(path, PracticePair, "practice.file")


def plainly(text: str) -> str:
    """A text as it is compared with others: without case, and with one space between words."""
    return " ".join(text.casefold().split())
