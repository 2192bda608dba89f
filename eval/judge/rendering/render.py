"""Renders a text, as Markdown or plain, so that all of it is shown and none of it runs.

Markdown is rendered on the server. Each answer takes time in proportion to its length, of which there is a bound:
reviewers share one process, and wait for each other's answers.
"""

from __future__ import annotations

import hashlib
import html
import logging
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass

from markupsafe import Markup

from eval.judge.rendering.markdown import TooMuch, markdown_html

_log = logging.getLogger(__name__)

#: Longer texts are shown as plain text.
LONGEST = 50_000
#: Letters of formatted answers that are kept for the next time they are shown.
KEPT = 20_000_000
#: At most so many words that a page lacks as words are searched letter by letter.
_LOOKED_FOR = 200

_WORD = re.compile(r"[^\W_]+")
# Within one line: what may stand before a number is looked through once, not from every line's start again.
_LIST_NUMBER = re.compile(r"^(?:[>*+-]|[^\S\n])*+\d{1,9}(?=[.)])", re.MULTILINE)
_INDENTED = re.compile(r"\n[ \t]")
_TAG = re.compile(r"<[^>]*>")
_SHOWN_BY_ATTRIBUTE = re.compile(r'(?:href|title|start|value|data-info|data-tex)="([^"]*)"')


@dataclass(frozen=True)
class Formatted:
    """A text as HTML. `reduced`: as plain text, because formatting it would take too long; the page says so."""

    html: Markup
    reduced: bool = False


def formatted(text: str) -> Formatted:
    """The text as blocks of HTML, each with its own direction; where Markdown would drop words, as plain text.

    Made once, and kept for the next time.
    Outer white space is not shown: one answer must not be known by it.
    """
    text = _trimmed(text)
    if len(text) > LONGEST:
        return Formatted(plain_html(text), reduced=True)
    return _kept.get(text) or _kept.put(text, _made(_visible(text)))


def _trimmed(text: str) -> str:
    """Without outer white space, but for the indent of a first line that others below share: a poem's, or code's."""
    text = text.rstrip()
    first = text[text.rfind("\n", 0, len(text) - len(text.lstrip())) + 1 :]
    indent = len(first) - len(first.lstrip())
    return first if indent > 1 and _INDENTED.search(first) else first.lstrip()


def plain_html(text: str) -> Markup:
    """The text as it is, line by line."""
    return Markup(f'<div class="bs-plain" dir="auto">{html.escape(_visible(text))}</div>')


def _made(text: str) -> Formatted:
    try:
        rendered = markdown_html(text)
        return Formatted(Markup(rendered) if _shows_all(text, rendered) else plain_html(text))
    except Exception as error:  # noqa: BLE001 -- whatever a parser stumbles over, the reviewer sees the answer
        if not isinstance(error, TooMuch):
            _log.warning("an answer is shown as plain text, since formatting it failed: %r", error)
        return Formatted(plain_html(text), reduced=True)


class Kept:
    """The answers formatted last, by the hash of their text, `most` letters in all."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._all: OrderedDict[bytes, Formatted] = OrderedDict()
        self._size = 0

    def get(self, text: str) -> Formatted | None:
        with self._lock:
            found = self._all.get(key := _hash(text))
            if found:
                self._all.move_to_end(key)
            return found

    def put(self, text: str, made: Formatted) -> Formatted:
        with self._lock:
            before = self._all.pop(key := _hash(text), None)
            self._all[key] = made
            self._size += len(made.html) - (len(before.html) if before else 0)
            while self._size > self._most:
                self._size -= len(self._all.popitem(last=False)[1].html)
        return made


_kept = Kept()


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _visible(text: str) -> str:
    """NUL cannot be in a page: U+FFFD stands for it."""
    return text.replace("\0", "\ufffd")


def _shows_all(text: str, rendered: str) -> bool:
    """Whether every word is still there: tables drop cells that have no heading, deep nesting is cut off."""
    shown = (
        html.unescape(_TAG.sub(" ", rendered)) + " " + html.unescape(" ".join(_SHOWN_BY_ATTRIBUTE.findall(rendered)))
    )
    # Colours may cut a word of code in two, so words are looked for without the cuts too, and at last the letters.
    joined = html.unescape(_TAG.sub("", rendered))
    wanted = set(_WORD.findall(_LIST_NUMBER.sub("", text)))
    missing = wanted - set(_WORD.findall(shown)) - set(_WORD.findall(joined))
    return len(missing) <= _LOOKED_FOR and all(word in joined or word in shown for word in missing)
