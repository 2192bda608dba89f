"""Marks where two answers differ, in one neutral colour: red and green would say wrong and right."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from difflib import Match, SequenceMatcher
from functools import lru_cache
from itertools import accumulate

from markupsafe import Markup

#: Longer texts take too long to compare while somebody waits.
LONGEST = 20_000
#: Places that the search may look at. Two versions of one text of that length take less than half of it.
MOST_STEPS = 3_000_000
#: Texts that share less than this (difflib's ratio of tokens) are two different texts, not two versions of one.
ALIKE = 0.3

_CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
# A word takes its space along: spaces as tokens of their own would match everywhere and make the search slow.
_TOKEN = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+\s*|\W")


class TooLong(Exception):
    """Comparing the texts takes more than MOST_STEPS."""


class Search(SequenceMatcher[str]):
    """difflib's search, which takes cubic time on some texts, with its steps counted. Raises TooLong."""

    a: Sequence[str]
    b2j: dict[str, list[int]]

    def __init__(self, a: Sequence[str], b: Sequence[str]) -> None:
        super().__init__(None, a, b)
        self.steps = 0
        # What it costs to look for the first n tokens of `a`: each is compared with all its places in `b`.
        self._costs = [0, *accumulate(1 + len(self.b2j.get(token, ())) for token in a)]

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        ahi = len(self.a) if ahi is None else ahi
        self.steps += self._costs[ahi] - self._costs[alo]
        if self.steps > MOST_STEPS:
            raise TooLong
        return super().find_longest_match(alo, ahi, blo, bhi)


def differences(left: str, right: str) -> tuple[Markup, Markup] | None:
    """Both texts as HTML with <mark> around what the other one lacks.

    None where that would not help: the texts take too long to compare, or have little in common.
    """
    return None if max(len(left), len(right)) > LONGEST else _marked(left, right)


@lru_cache(maxsize=64)
def _marked(left: str, right: str) -> tuple[Markup, Markup] | None:
    a, b = _TOKEN.findall(left), _TOKEN.findall(right)
    search = Search(a, b)
    try:
        if search.ratio() < ALIKE:
            return None
    except TooLong:
        return None
    marked = [
        (_piece(a[i:j], equal=tag == "equal"), _piece(b[k:m], equal=tag == "equal"))
        for tag, i, j, k, m in search.get_opcodes()
    ]
    return Markup("".join(one for one, _ in marked)), Markup("".join(other for _, other in marked))


def _piece(tokens: list[str], *, equal: bool) -> str:
    text = html.escape("".join(tokens).replace("\0", "\ufffd"))
    return text if equal or not text else f"<mark>{text}</mark>"
