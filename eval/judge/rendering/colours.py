"""Syntax colours, within a time limit: some of Pygments' expressions take quadratic time or worse."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from io import StringIO

from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import _TokenType
from pygments.util import ClassNotFound

#: Longer code is shown without colours.
LONGEST_CODE = 20_000
#: Seconds of this thread's own work for one answer's code; real code of that length takes a fifth of it.
PATIENCE = 0.4
#: Runs that real code does not have, and on which one step of a lexer alone may take seconds.
_RUNS = re.compile(r"\S{400}|\s{400}|[^\n]{2000}")


class _TooSlow(Exception):
    """The patience is over."""


class Colours:
    """Colours for all the code of one answer, which has one budget of time: what comes after its end is shown plain."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._left = patience

    def of(self, code: str, language: str) -> str:
        """The code as HTML with a class for each kind of word, or "" where it is to be shown as it is."""
        if not language or self._left <= 0 or len(code) > LONGEST_CODE or _RUNS.search(code):
            return ""
        began, out = time.thread_time(), StringIO()
        try:
            lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
            HtmlFormatter(nowrap=True, classprefix="hl-").format(_until(began + self._left, lexer, code), out)
        except (ClassNotFound, _TooSlow):
            return ""
        finally:
            self._left -= time.thread_time() - began
        return out.getvalue()


def _until(end: float, lexer: Lexer, code: str) -> Iterator[tuple[_TokenType, str]]:
    for token in lexer.get_tokens(code):
        if time.thread_time() > end:
            raise _TooSlow
        yield token
