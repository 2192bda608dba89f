"""The one place that prints: foreign text can neither command the terminal nor deceive.

Server errors, ids of models and prompts, headings of tables, names of files and people come as their writers left
them. In a terminal ESC moves the cursor, sets the clipboard and hides lines; bidi controls turn text around.
"""

from __future__ import annotations

import logging
import sys
import traceback
import unicodedata
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: Controls, formats (bidi, zero width, tags), lone surrogates, separators of lines and paragraphs.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_KEPT = frozenset("\n\t")
_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def visible(text: str, *, keep: frozenset[str] = _KEPT) -> str:
    r"""The text with an escape like `\x1b` or `\u202e` for each character that is not seen, but for those to keep."""
    plain = text
    for char in keep:
        plain = plain.replace(char, "")
    if plain.isprintable():
        return text
    return "".join(_escaped(char) if _is_unseen(char) and char not in keep else char for char in text)


def one_line(text: str) -> str:
    r"""As `visible`, with `\n` and `\t` as escapes too."""
    return visible(text, keep=frozenset())


def say(text: object, *, lines: bool = False) -> None:
    """Print a line on stdout, at once; with `lines` it may be several, and what is not ours may begin a new one."""
    _print(text, sys.stdout, lines)


def tell(text: object, *, lines: bool = False) -> None:
    """As `say`, on stderr."""
    _print(text, sys.stderr, lines)


def terminal(**how: Any) -> Console:
    """A rich Console to which every string is plain text: no markup is read in it, and it is `visible`."""
    made: Console = _console_class()(**how)
    return made


def styled(text: str, style: str) -> Text:
    """A piece of text for a `terminal` in a style of its own."""
    from rich.text import Text

    return Text(visible(text), style=style)


def guard() -> None:
    """Print what nobody printed on purpose in the same way: tracebacks, and warnings that no log takes."""
    sys.excepthook = _tell_traceback
    logging.lastResort = _Warnings(logging.WARNING)


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tell(self.format(record))


def _tell_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    tell("".join(traceback.format_exception(kind, error, trace)).rstrip("\n"), lines=True)


def _print(text: object, out: TextIO, lines: bool) -> None:
    shown, encoding = visible(str(text)) if lines else one_line(str(text)), out.encoding or "utf-8"
    print(shown.encode(encoding, "backslashreplace").decode(encoding), file=out, flush=True)


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN


def _escaped(char: str) -> str:
    code = ord(char)
    if char in _NAMED:
        return _NAMED[char]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@cache
def _console_class() -> Any:
    from rich.console import Console
    from rich.text import Text

    class Plain(Console):
        """rich makes a Text of every string here, in tables and headings too."""

        def render_str(self, text: str, **how: Any) -> Text:
            return Text(visible(text), style=how.get("style") or "", justify=how.get("justify"))

    return Plain
