"""Escapes foreign text for Markdown: it shows literally, without markup, HTML, links or mentions."""

from __future__ import annotations

import html
import re

#: Names in a card are cut here.
LONGEST = 160
# An underscore between letters, as in both_bad, is none of Markdown's.
_MARKED = re.compile(r"[\\`*\[\]|~#$]|(?<![^\W_])_|_(?![^\W_])")
_BEGINS = re.compile(r"[-+](?=\s|$)|-(?=-)|=|:(?=-)|\d+(?=[.)](?:\s|$))")


def as_text(text: str, *, longest: int | None = LONGEST) -> str:
    """`text` on one line, as part of a line, a cell or an item of a list; cut after `longest` characters."""
    line = _MARKED.sub(r"\\\g<0>", html.escape(one_line(text, longest=longest), quote=False))
    line = _BEGINS.sub(_escaped, line, count=1) if _BEGINS.match(line) else line
    return line.replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", "&#64;")


def as_code(text: str, *, longest: int | None = LONGEST) -> str:
    """`text` as a code span, in which nothing is markup; a backtick would end it, and a pipe a cell of a table."""
    return "`" + (one_line(text, longest=longest).replace("`", "'").replace("|", "¦") or "-") + "`"


def one_line(text: str, *, longest: int | None = LONGEST) -> str:
    """`text` without anything that is not seen, and with one space for each run of white space."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if longest is None or len(line) <= longest else line[: longest - 1] + "…"


def _escaped(match: re.Match[str]) -> str:
    """A sign by a backslash; of a number that would begin a list, its dot."""
    return f"\\{match[0]}" if not match[0].isdigit() else f"{match[0]}\\"
