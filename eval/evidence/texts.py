"""What can be seen of one answer by rule: that it goes in circles, that it refuses. Both are signs, not proofs."""

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

_CANNOT = (
    r"(?:can['’]?t|can ?not|could ?n['’]?t|won['’]?t(?: be able to)?|will not(?: be able to)?"
    r"|(?: am|['’]m) (?:unable|not able) to)"
)
_HELP = (
    r"(?:help|assist|comply|provide|fulfil|answer|respond|do that|do this|discuss|support|create|generate|write|engage"
    r"|participate|share|give|offer|complete|process|continue|tell you|advise)"
)
_REFUSALS = re.compile(
    rf"\bI(?: really| simply| just)? ?{_CANNOT}(?: \w+){{0,2}} {_HELP}\b"
    rf"|\b(?:as|being) an? (?:AI|artificial intelligence|(?:large )?language model)\b[^.!?\n]{{0,60}}{_CANNOT}"
    rf"|\bI must (?:respectfully )?(?:decline|refuse)|\bI (?:have to|need to|will have to) (?:decline|refuse)"
    r"|(?:我|本人)?(?:无法|不能|没办法|沒辦法|無法|不可以)(?:够)?(?:为您|为你|向您|向你|對您|给您|给你)?"
    r"(?:提供|协助|協助|帮助|帮您|帮你|幫助|回答|满足|滿足|完成|支持|参与|參與|讨论|討論|生成|编写|撰写)"
    r"|作为(?:一个|一款|一名)?(?:AI|人工智能|语言模型|大型?语言模型)[^。！？\n]{0,30}(?:无法|不能)"
    r"|(?:抱歉|对不起|對不起)[，,、 ]{0,2}(?:但)?我(?:无法|不能|不会|無法|不會|拒绝|拒絕)",
    re.IGNORECASE,
)
#: A refusal stands at the beginning: later on the words may be a story's.
_BEGINNING = 200


def is_empty(text: str) -> bool:
    """Whether there is no letter, number or symbol in the text: white space and punctuation are no answer."""
    return not any(unicodedata.category(letter)[0] in "LNS" for letter in text)


def repeats_itself(text: str) -> bool:
    """Whether a piece of the text comes again and again without anything between, as a model's that got caught does."""
    tokens = _tokens(text)
    if len(tokens) < COVERED:
        return False
    known: dict[str, int] = {}
    codes = np.array([known.setdefault(token, len(known)) for token in tokens])
    return any(_longest_run(codes, size) + size >= max(COVERED, ROUNDS * size) for size in _sizes(tokens))


def refuses(text: str) -> bool:
    """Whether the text begins by saying, in English or Chinese, that it will not or cannot do what was asked."""
    return _REFUSALS.search(text.strip()[:_BEGINNING]) is not None


def _tokens(text: str) -> list[str]:
    found = _TOKEN.findall(text[-_LOOKED_AT * _LONGEST_WORD :].lower())
    return list(chain.from_iterable(token if len(token) > _LONGEST_WORD else (token,) for token in found))[-_LOOKED_AT:]


def _sizes(tokens: list[str]) -> set[int]:
    """Distances at which _SAME tokens in a row come back: a loop has its own size among them."""
    seen: dict[tuple[str, ...], int] = {}
    sizes = set()
    for at, piece in enumerate(zip(*(tokens[start:] for start in range(_SAME)), strict=False)):
        if at - seen.get(piece, -LONGEST_PIECE - 1) <= LONGEST_PIECE:
            sizes.add(at - seen[piece])
        seen[piece] = at
    return sizes


def _longest_run(codes: NDArray[np.intp], size: int) -> int:
    """How many tokens in a row are each the same as the one `size` before."""
    breaks = np.flatnonzero(codes[size:] != codes[:-size])
    ends = np.concatenate([[-1], breaks, [len(codes) - size]])
    return int(np.diff(ends).max()) - 1
