"""Marks sentences or paragraphs without a counterpart, for answers that are no versions of one text.

A passage has a counterpart if enough of its words (by their first letters, short ones left out) stand in one passage of
the other answer. Over the 80 pairs of Vicuna-13B and LLaMA-13B on Vicuna's questions 75 are marked this way, and one by
its words.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from markupsafe import Markup

from eval.judge.rendering.differences import LONGEST

#: Where more than this share of both answers would be marked, marks help nobody.
MOST_MARKED = 0.85
#: Passages times passages that are compared with each other.
MOST_COMPARED = 100_000

_SENTENCE = re.compile(r"(?<=[.!?])[\"')\]*_]*\s+|(?<=[。！？])|\n+")
_PARAGRAPH = re.compile(r"\n\s*\n")
_LETTER = re.compile(r"[^\W\d_]")
_CJK = "\u2e80-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[^\W_{_CJK}]{{4,}}|\d+")
#: Scripts without spaces go by each two letters that stand together.
_TWO = re.compile(rf"(?=([{_CJK}]{{2}}))")
#: A word's ending does not make it another word.
_STEM = 5

Passages = Sequence[str]
Words = frozenset[str]


def passages(left: str, right: str) -> tuple[Markup, Markup] | None:
    """Both texts as HTML with <mark> around what has no counterpart; None where nearly all or nothing would be."""
    return None if max(len(left), len(right)) > LONGEST else _marked(left, right)


@lru_cache(maxsize=64)
def _marked(left: str, right: str) -> tuple[Markup, Markup] | None:
    ways: tuple[tuple[Callable[[str], Passages], float], ...] = ((_sentences, 1 / 3), (_paragraphs, 1 / 4))
    for cut, enough in ways:
        ours, theirs = cut(left), cut(right)
        if len(ours) * len(theirs) > MOST_COMPARED:
            continue
        alone = _alone(ours, theirs, enough), _alone(theirs, ours, enough)
        known = [one for one in (*alone[0], *alone[1]) if one is not None]
        if known and 0 < sum(known) <= MOST_MARKED * len(known):
            return _html(ours, alone[0]), _html(theirs, alone[1])
    return None


def _alone(ours: Passages, theirs: Passages, enough: float) -> list[bool | None]:
    """Of each passage whether it has no counterpart; None for one without a word to go by."""
    others = [words for words in map(_words, theirs) if words]
    return [_shared(words, others) < enough if (words := _words(one)) else None for one in ours]


def _shared(words: Words, others: Sequence[Words]) -> float:
    return max((len(words & other) / len(words) for other in others), default=0.0)


def _words(text: str) -> Words:
    text = text.casefold()
    return frozenset((*(word[:_STEM] for word in _WORD.findall(text)), *_TWO.findall(text)))


def _sentences(text: str) -> Passages:
    return _cut(_SENTENCE, text)


def _paragraphs(text: str) -> Passages:
    return _cut(_PARAGRAPH, text)


def _cut(end: re.Pattern[str], text: str) -> Passages:
    """All of the text in pieces; what holds no letter, as a list's number, stays with what follows."""
    pieces, start, looked = [], 0, 0
    for match in end.finditer(text):
        if _LETTER.search(text, looked, match.end()):
            pieces.append(text[start : match.end()])
            start = match.end()
        looked = match.end()
    return [*pieces, *([text[start:]] if start < len(text) else [])]


def _html(pieces: Passages, alone: Sequence[bool | None]) -> Markup:
    return Markup("".join(_piece(piece, marked=bool(one)) for piece, one in zip(pieces, alone, strict=True)))


def _piece(piece: str, *, marked: bool) -> str:
    text = html.escape(piece.replace("\0", "\ufffd"))
    end = len(text.rstrip())
    return f"<mark>{text[:end]}</mark>{text[end:]}" if marked and end else text
