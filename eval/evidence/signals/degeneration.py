"""Degenerate answers, found by rule: empty ones, and loops. Both are signs, not proofs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

#: A loop is a piece of at most LONGEST_PIECE tokens that comes ROUNDS times or more in a row, COVERED tokens in all.
LONGEST_PIECE = 80
ROUNDS = 4
COVERED = 24
#: Only so many tokens at the end of an answer are looked at: that is where loops are.
_LOOKED_AT = 20_000
#: A "word" that is longer is looked at letter by letter.
_LONGEST_WORD = 60

_CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
#: Texts are processed in batches of at least so many tokens.
_TOGETHER = 200_000
#: A letter of Chinese, Japanese or Korean, a word of other scripts, or a mark; not those that draw lines and tables.
_MARK = r"[^\w\s\-=*#|+~.·:<>/\\─━═…]"
_TOKEN = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+|{_MARK}")
#: The same of text in small letters of ASCII, twice as fast.
_ASCII_TOKEN = re.compile(rf"[a-z0-9]+|{_MARK}")


def is_empty(text: str) -> bool:
    """Whether there is no letter, number or symbol in the text: white space and punctuation are no answer."""
    return not text[:1].isalnum() and not any(unicodedata.category(letter)[0] in "LNS" for letter in text)


def repeating(texts: Iterable[str]) -> list[bool]:
    """For each text, whether a piece of it comes again and again with nothing between: a model caught in a loop.

    Many at once take a tenth of the time that they take one by one.
    """
    found: list[bool] = []
    together: list[list[str]] = []
    size = 0
    for text in texts:
        together.append(_tokens(text))
        size += len(together[-1])
        if size >= _TOGETHER:
            found += _loop_in(together)
            together, size = [], 0
    return found + _loop_in(together)


def _tokens(text: str) -> list[str]:
    lower = text[-_LOOKED_AT * _LONGEST_WORD :].lower()
    found = (_ASCII_TOKEN if lower.isascii() else _TOKEN).findall(lower)
    if max(map(len, found), default=0) <= _LONGEST_WORD:
        return found[-_LOOKED_AT:]
    return list(chain.from_iterable(token if len(token) > _LONGEST_WORD else (token,) for token in found))[-_LOOKED_AT:]


class _Codes(dict[str, int]):
    """A number for each token, from 0, in the order in which they are asked for."""

    def __missing__(self, token: str) -> int:
        self[token] = code = len(self)
        return code


def _loop_in(texts: Sequence[Sequence[str]]) -> list[bool]:
    """Of each text, as tokens, whether there is a loop in it."""
    known = _Codes()
    # After each text stands a number of its own, so that no run goes on from one into the next: one piece back from
    # it, or onto it, is never the same, and what lies between is shorter than the piece.
    numbers = [[*map(known.__getitem__, tokens), -1 - at] for at, tokens in enumerate(texts)]
    codes = np.fromiter(chain.from_iterable(numbers), np.int64)
    ends = np.cumsum([len(one) for one in numbers])
    loops = np.zeros(len(texts), dtype=np.bool_)
    for size in range(1, min(LONGEST_PIECE, len(codes) - 1) + 1):
        same = codes[size:] == codes[:-size]
        loops[np.searchsorted(ends, _runs(same, max(COVERED, ROUNDS * size) - size), side="right")] = True
    return loops.tolist()


def _runs(same: NDArray[np.bool_], least: int) -> NDArray[np.intp]:
    """Places within the runs of `least` (four or more) that are all true; at least one in each."""
    step = least // 2
    marks = same[::step]
    # Within each such run lie two marks, one after the other, and all between them is true.
    at = np.flatnonzero(marks[1:] & marks[:-1]) * step
    for further in range(1, step):
        at = at[same[at + further]]
    if not len(at):
        return at
    breaks = np.concatenate([[-1], np.flatnonzero(~same), [len(same)]])
    after = np.searchsorted(breaks, at)
    return np.compress(breaks[after] - breaks[after - 1] - 1 >= least, at)
