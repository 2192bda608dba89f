"""TeX as MathML, which browsers show natively; what might not be shown whole stays source.

`\\(…\\)`, `\\[…\\]`, `$$…$$`, `$…$` and `\\begin{…}…\\end{…}`. Nothing of it is Markdown, drawn or not.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from functools import lru_cache
from xml.etree import ElementTree

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

#: A longer formula stays as it is written.
LONGEST_FORMULA = 1_500
#: Letters of formulas that one answer may have as MathML; real answers have a tenth of it.
MOST_FORMULAS = 20_000

#: What opens TeX, and what closes it.
_CLOSERS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_ENVIRONMENT = re.compile(r"\\begin\{([a-zA-Z]{1,20}\*?)\}")
#: `$x$` as Pandoc reads it, in one line, and with something in it that only mathematics has: $5 and $6 are money.
_DOLLARS = re.compile(r"\$(?=[^\s$])([^$\n]{1,300})(?<=[^\s\\])\$(?!\d)")
_MATHEMATICS = re.compile(r"[\\^_=<>]|^[a-zA-Z]$|^[a-zA-Z]?\([\w,+-]*\)$|^\d*[a-zA-Z](\s*[-+*/]\s*\d*[a-zA-Z\d])*$")
_COMMAND = re.compile(r"\\(?:begin|end)\s*\{[^{}]*\}(?:\{[lcr|\s]*\})?|\\[a-zA-Z]+\*?|\\.")
# Commands that draw, colour, hide or link, and widths that push text about.
_REFUSED = re.compile(
    r"\\(?:href|style|class|color|textcolor|hspace|kern|mkern|rule|phantom|[hv]phantom|tag|label)\b|%|&#"
)
_LETTER = re.compile(r"[^\W_]")
_TAGS = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder",
    "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "menclose", "mpadded",
}  # fmt: skip
_ATTRIBUTES = {
    "display", "displaystyle", "scriptlevel", "stretchy", "fence", "form", "separator", "accent", "accentunder",
    "linethickness", "movablelimits", "minsize", "maxsize", "mathvariant", "columnalign", "rowspacing", "columnspacing",
    "notation", "width", "lspace", "rspace", "symmetric", "largeop",
}  # fmt: skip


def use(md: MarkdownIt) -> None:
    """Have `md` take TeX for what it is."""
    md.inline.ruler.before("escape", "tex", _inline)
    md.block.ruler.before("table", "tex", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    md.add_render_rule("tex", _rendered)


def mathml(source: str) -> str:
    """A formula with its delimiters as `<math>`, or "" where the conversion may leave out or add anything."""
    opening, body = _opened(source)
    if len(source) > LONGEST_FORMULA or _REFUSED.search(body.replace("\\%", "")) or not _balanced(body):
        return ""
    display = "inline" if opening in ("\\(", "$") else "block"
    from latex2mathml.converter import convert  # where it is used: most answers have no formula

    try:
        tree = ElementTree.fromstring(convert(_unnumbered(body), display=display))
    except Exception:  # noqa: BLE001 -- a converter of foreign text: whatever it stumbles over is shown as written
        return ""
    return _serialised(tree) if _is_harmless(tree) and _shows(tree, body) else ""


def _opened(source: str) -> tuple[str, str]:
    opening = source[:2]
    if opening in _CLOSERS:
        return opening, source[2:-2]
    return ("$", source[1:-1]) if source[0] == "$" else ("\\begin", source)


def _unnumbered(body: str) -> str:
    """Numbers of equations are nothing that the model wrote."""
    return re.sub(r"\\(begin|end)\{(align|equation|gather)\}", r"\\\1{\2*}", body)


def _balanced(body: str) -> bool:
    depth = 0
    for mark in re.findall(r"\\.|[{}]", body):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        if depth < 0:
            return False
    return depth == 0


def _is_harmless(tree: ElementTree.Element) -> bool:
    return all(_tag(one) in _TAGS and set(one.attrib) <= _ATTRIBUTES for one in tree.iter())


def _shows(tree: ElementTree.Element, body: str) -> bool:
    """Whether all letters and digits of the source are there, and no command is left unread."""
    shown = unicodedata.normalize("NFKC", "".join(tree.itertext()))
    wanted = Counter(_LETTER.findall(unicodedata.normalize("NFKC", _COMMAND.sub(" ", body))))
    return "\\" not in shown and wanted <= Counter(_LETTER.findall(shown))


def _tag(element: ElementTree.Element) -> str:
    return element.tag.removeprefix("{http://www.w3.org/1998/Math/MathML}")


def _serialised(element: ElementTree.Element) -> str:
    tag = _tag(element)
    attributes = "".join(f' {name}="{html.escape(value)}"' for name, value in element.attrib.items())
    inside = html.escape(element.text or "", quote=False)
    inside += "".join(_serialised(one) + html.escape(one.tail or "", quote=False) for one in element)
    return f"<{tag}{attributes}>{inside}</{tag}>"


def _inline(state: StateInline, silent: bool) -> bool:
    source, end = state.src, 0
    if source[state.pos] not in "\\$":
        return False
    if (closer := _CLOSERS.get(source[state.pos : state.pos + 2])) and (found := _closed(source, state.pos, closer)):
        end = found
    elif (dollars := _DOLLARS.match(source, state.pos)) and _MATHEMATICS.search(dollars[1]):
        end = dollars.end()
    elif environment := _ENVIRONMENT.match(source, state.pos):
        end = _closed(source, state.pos, f"\\end{{{environment[1]}}}")
    if not 0 < end <= state.posMax:
        return False
    if not silent:
        state.push("tex", "", 0).content = source[state.pos : end]
    state.pos = end
    return True


def _closed(source: str, start: int, closer: str) -> int:
    """Where the closer that belongs to an opener at `start` ends; 0 without one."""
    ends = _places(source, closer)
    at = bisect_left(ends, start + 3)
    return 0 if at == len(ends) else ends[at] + len(closer)


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A formula that begins a line and ends one: what stands in its lines is neither a list nor a heading."""
    source, begin = state.src, state.bMarks[start] + state.tShift[start]
    opening = source[begin : begin + 2]
    environment = _ENVIRONMENT.match(source, begin)
    closer = f"\\end{{{environment[1]}}}" if environment else _CLOSERS.get(opening, "") if opening != "\\(" else ""
    closed = _closed(source, begin, closer) if closer else 0
    if not closed or closed - begin > LONGEST_FORMULA or state.blkIndent:
        return False
    last = start + source.count("\n", begin, closed)
    if last >= end or source[closed : state.eMarks[last]].strip(" \t.,;"):
        return False
    if not silent:
        state.line = last + 1
        state.push("paragraph_open", "p", 1).map = [start, last + 1]
        written = state.push("inline", "", 0)
        written.map, written.content, written.children = [start, last + 1], source[begin : state.eMarks[last]], []
        state.push("paragraph_close", "p", -1)
    return True


@lru_cache(maxsize=16)
def _places(source: str, mark: str) -> tuple[int, ...]:
    """Where a mark stands, found once: an opener that looks for its closer must not read on to the end each time."""
    return tuple(match.start() for match in re.finditer(f"(?={re.escape(mark)})", source))


def _rendered(self: RendererHTML, tokens: list[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
    source = tokens[idx].content
    env["formulas"] = env.get("formulas", 0) + len(source)
    made = mathml(source) if env["formulas"] <= MOST_FORMULAS else ""
    return f'<span class="bs-tex" data-tex="{html.escape(source)}">{made}</span>' if made else html.escape(source)
