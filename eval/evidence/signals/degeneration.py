"""What can be seen of one answer by rule: that it is empty, that it goes in circles. Both are signs, not proofs."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

import numpy as np
from numpy.typing import NDArray

#: A loop is a piece of at most LONGEST_PIECE tokens that comes ROUNDS times or more in a row, COVERED tokens in all.
LONGEST_PIECE = 80
ROUNDS = 4
COVERED = 24
#: A loop has three quarters of COVERED tokens or more that are the same as those one piece before.
_SAME = 8
#: Of an answer of any length, so many tokens are looked at, from the end: that is where loops are.
_LOOKED_AT = 20_000
#: A "word" that is longer is looked at letter by letter.
_LONGEST_WORD = 60

_CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
#: A letter of Chinese, Japanese or Korean, a word of other scripts, or a mark; not those that draw lines and tables.
_TOKEN = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+|[^\w\s\-=*#|+~.·:<>/\\─━═…]")


def is_empty(text: str) -> bool:
    """Whether there is no letter, number or symbol in the text: white space and punctuation are no answer."""
    return not any(unicodedata.category(letter)[0] in "LNS" for letter in text)


def repeats_itself(text: str) -> bool:
    """Whether a piece of the text comes again and again without anything between, as a model's that got caught does."""
    tokens = _tokens(text)
    if len(tokens) < COVERED:
        return False
    known: dict[str, int] = {}
    # A letter for each token: slices of a text are made and hashed much faster than tuples of texts.
    letters = "".join([chr(known.setdefault(token, len(known))) for token in tokens])
    sizes = _sizes(letters)
    if not sizes:
        return False
    codes = np.frombuffer(letters.encode("utf-32-le"), np.uint32)
    return any(_longest_run(codes, size) + size >= max(COVERED, ROUNDS * size) for size in sizes)


def _tokens(text: str) -> list[str]:
    found = _TOKEN.findall(text[-_LOOKED_AT * _LONGEST_WORD :].lower())
    if max(map(len, found), default=0) <= _LONGEST_WORD:
        return found[-_LOOKED_AT:]
    return list(chain.from_iterable(token if len(token) > _LONGEST_WORD else (token,) for token in found))[-_LOOKED_AT:]


def _sizes(letters: str) -> set[int]:
    """Distances at which _SAME tokens in a row come back: a loop has its own size among them."""
    seen: dict[str, int] = {}
    sizes = set()
    for at in range(len(letters) - _SAME + 1):
        piece = letters[at : at + _SAME]
        if at - seen.get(piece, -LONGEST_PIECE - 1) <= LONGEST_PIECE:
            sizes.add(at - seen[piece])
        seen[piece] = at
    return sizes


def _longest_run(codes: NDArray[np.uint32], size: int) -> int:
    """How many tokens in a row are each the same as the one `size` before."""
    breaks = np.flatnonzero(codes[size:] != codes[:-size])
    ends = np.concatenate([[-1], breaks, [len(codes) - size]])
    return int(np.diff(ends).max()) - 1
