"""Stars, underscores, tildes and backslashes as text where Markdown would take them for markup.

CommonMark makes `2**3**4`, `__init__` and `(a)*(b)*@` bold or slanted and drops the backslash of `\\.`; people would
judge another text than the model wrote. So a mark opens only where a word begins and closes only where one ends; in
doubt it is text.
"""

from __future__ import annotations

import re
import unicodedata

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter

from eval.judge.rendering.scripts import has_no_spaces

#: `__init__`, `_private_`: names, not emphasis.
_NAME = re.compile(r"_{1,3}\w++(?!\w)")
#: An escape that a writer of Markdown makes: the mark alone, at the start of a line, or in a word of letters.
_ESCAPED = re.compile(r"[*_`'\"(]*(?:[^\W_]|\\[*_`~#$|]|[-'’.,:;!?)])*+[*_`'\"]*")
_NUMBERED = re.compile(r"\d{1,9}\\[.)]")
_WHERE_ESCAPED = "*_`~#$|.)"
_RUN = 60


def use(md: MarkdownIt) -> None:
    """Have `md` leave marks that are text as they are."""
    md.inline.ruler.at("emphasis", _emphasis)
    md.inline.ruler.at("strikethrough", _strikethrough)
    md.inline.ruler.at("escape", _escape)


def _emphasis(state: StateInline, silent: bool) -> bool:
    if silent or (marker := state.src[state.pos]) not in "*_":
        return False
    if marker == "_" and (name := _name(state)):
        _text(state, name)
        return True
    length = _length(state)
    opens, closes = _opens(state, length), _closes(state, length)
    for _ in range(length):
        state.push("text", "", 0).content = marker
        state.delimiters.append(
            Delimiter(marker=ord(marker), length=length, token=len(state.tokens) - 1, end=-1, open=opens, close=closes)
        )
    state.pos += length
    return True


def _strikethrough(state: StateInline, silent: bool) -> bool:
    if silent or state.src[state.pos] != "~" or (length := _length(state)) < 2:
        return False
    if length > 2:
        _text(state, "~" * length)
        return True
    opens, closes = _opens(state, 2), _closes(state, 2)
    state.push("text", "", 0).content = "~~"
    state.delimiters.append(
        Delimiter(marker=ord("~"), length=0, token=len(state.tokens) - 1, end=-1, open=opens, close=closes)
    )
    state.pos += 2
    return True


def _name(state: StateInline) -> str:
    """A whole name that begins with an underscore and ends with one."""
    if state.pos and (state.src[state.pos - 1].isalnum() or state.src[state.pos - 1] == "_"):
        return ""
    found = _NAME.match(state.src, state.pos, state.posMax)
    return found[0] if found and found[0].endswith("_") and found[0].strip("_") else ""


def _length(state: StateInline) -> int:
    marker, end = state.src[state.pos], state.pos
    while end < state.posMax and state.src[end] == marker:
        end += 1
    return end - state.pos


def _around(state: StateInline, length: int) -> tuple[str, str]:
    before = state.src[state.pos - 1] if state.pos else " "
    end = state.pos + length
    return before, state.src[end] if end < state.posMax else " "


def _opens(state: StateInline, length: int) -> bool:
    before, after = _around(state, length)
    within = after.isalnum() or after in "\"'“‘«([{*_~`$\\#@&+-<" or _kind(after) in ("Ps", "Pi", "So", "Sc")
    return (within or (length > 1 and after == ".")) and (
        before.isspace() or before in "\"'*_~/|>-" or _kind(before) in ("Ps", "Pi", "Pd", "So") or _east(before)
    )


def _closes(state: StateInline, length: int) -> bool:
    before, after = _around(state, length)
    return not before.isspace() and (
        after.isspace() or after in "\"'*_~.,:;!?/|<-" or _kind(after) in ("Pe", "Pf", "Pd", "So") or _east(after)
    )


def _kind(character: str) -> str:
    return unicodedata.category(character)


def _east(character: str) -> bool:
    """Where words have no spaces between them, a mark stands between letters."""
    return has_no_spaces(character) or (not character.isascii() and _kind(character) == "Po")


def _escape(state: StateInline, silent: bool) -> bool:
    """A backslash that only guards a mark goes; any other one stays, and so does what follows it."""
    if state.src[state.pos] != "\\" or state.pos + 1 >= state.posMax:
        return False
    following = state.src[state.pos + 1]
    if following.isalnum() or following.isspace():
        return False
    if not silent:
        state.pending += following if _is_guarded(state) else "\\" + following
    state.pos += 2
    return True


def _is_guarded(state: StateInline) -> bool:
    if state.src[state.pos + 1] not in _WHERE_ESCAPED:
        return False
    before = re.split(r"\s", state.src[max(0, state.pos - _RUN) : state.pos])[-1]
    after = re.split(r"\s", state.src[state.pos : min(state.posMax, state.pos + _RUN)], maxsplit=1)[0]
    if len(before) + len(after) >= _RUN:
        return False
    return bool((_NUMBERED if state.src[state.pos + 1] in ".)" else _ESCAPED).fullmatch(before + after))


def _text(state: StateInline, text: str) -> None:
    state.pending += text
    state.pos += len(text)
