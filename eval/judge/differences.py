"""Where two answers differ, in one neutral mark on both sides: red and green would say wrong and right."""

from __future__ import annotations

import html
import re
from difflib import SequenceMatcher

from markupsafe import Markup

#: Longer texts take too long to compare while somebody waits.
LONGEST = 20_000
#: Texts that share less than this (difflib's ratio of tokens) are two different texts, not two versions of one.
ALIKE = 0.3

_CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
# A word takes its space along: spaces as tokens of their own would match everywhere and make the search slow.
_TOKEN = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+\s*|\W")


def differences(left: str, right: str) -> tuple[Markup, Markup] | None:
    """Both texts as HTML with <mark> around what the other one lacks.

    None where that would not help: the texts are too long, or have little in common.
    """
    if max(len(left), len(right)) > LONGEST:
        return None
    a, b = _TOKEN.findall(left), _TOKEN.findall(right)
    matcher = SequenceMatcher(None, a, b)
    if matcher.ratio() < ALIKE:
        return None
    marked = [
        (_piece(a[i:j], equal=tag == "equal"), _piece(b[k:m], equal=tag == "equal"))
        for tag, i, j, k, m in matcher.get_opcodes()
    ]
    return Markup("".join(one for one, _ in marked)), Markup("".join(other for _, other in marked))


def _piece(tokens: list[str], *, equal: bool) -> str:
    text = html.escape("".join(tokens).replace("\0", "\ufffd"))
    return text if equal or not text else f"<mark>{text}</mark>"
