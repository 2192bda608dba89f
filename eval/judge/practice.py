"""Pairs for practice, in the reviewer's language: asked on the first visit, and never written down."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

from eval.judge.gold import written_pair
from eval.judge.study import Language
from eval.records import Message, Pair, Row

ITEM = "practice:{number}"


class _Words(Row):
    en: str
    zh: str


class _Practice(Row):
    prompt: _Words
    first: _Words
    second: _Words


def practice_pairs(language: Language) -> tuple[Pair, ...]:
    """All practice pairs, in the order in which they come."""
    return tuple(_pair(number, one, language) for number, one in enumerate(_all(), start=1))


@lru_cache(maxsize=1)
def _all() -> tuple[_Practice, ...]:
    written = yaml.safe_load(Path(__file__).with_name("practice.yml").read_bytes())
    return tuple(_Practice.model_validate(one) for one in written)


def _pair(number: int, one: _Practice, language: Language) -> Pair:
    prompt, first, second = (str(getattr(words, language)) for words in (one.prompt, one.first, one.second))
    return written_pair(ITEM.format(number=number), (Message(role="user", content=prompt),), first, second)
