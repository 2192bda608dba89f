"""Markdown without raw HTML; images, entities and references stay text.

What is shown is the text less Markdown's marks: spaces, indents, backslashes and numbers of lists stay.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.parser_block import RuleFuncBlockType
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, blockquote, heading, hr
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from eval.judge.rendering import emphasis, tex, unfenced
from eval.judge.rendering.colours import Colours
from eval.judge.rendering.scripts import language_of

#: An answer of more blocks and cells is not formatted: others wait meanwhile.
MOST_TOKENS = 20_000

_LINK = re.compile(r"(https?|mailto):", re.IGNORECASE)
_LINE = re.compile(r"^(?=.)", re.MULTILINE)
#: A line whose words stand below those of another one.
_COLUMNS = re.compile(r"^.*?\S {3,}\S", re.MULTILINE)
_LINES = {"paragraph_open", "heading_open", "th_open", "td_open"}
_BLOCKS = {
    "paragraph_open",
    "heading_open",
    "blockquote_open",
    "bullet_list_open",
    "ordered_list_open",
    "table_open",
}


class TooMuch(Exception):
    """A text of more than MOST_TOKENS blocks and cells."""


def markdown_html(text: str) -> str:
    """The text as HTML. Raises TooMuch."""
    rendered: str = _markdown().render(text, {"colours": Colours()})
    return rendered


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False, "breaks": True})
    md.enable(["table", "strikethrough"]).disable(["reference", "entity"])
    md.validateLink = lambda url: bool(_LINK.match(url))  # type: ignore[method-assign]
    for part in (tex, emphasis, unfenced):
        part.use(md)
    md.inline.ruler.at("newline", _newline)
    for name, kept in {"blockquote": blockquote, "heading": heading, "hr": hr}.items():
        md.block.ruler.at(name, _at_the_margin(kept), {"alt": ["paragraph", "reference", "blockquote", "list"]})
    md.core.ruler.before("block", "bound", _bound)
    md.core.ruler.before("inline", "indents", _indents)
    md.core.ruler.push("direction", lambda state: _set_directions(state.tokens, state.src))
    for rule in (_image, _link_open, _fence, _code_block, _softbreak):
        md.add_render_rule(rule.__name__.strip("_"), rule)
    return md


def _at_the_margin(rule: RuleFuncBlockType) -> RuleFuncBlockType:
    """The rule for lines that begin at the margin: in drawings and poems its marks are text."""

    def kept(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        return (state.blkIndent > 0 or state.tShift[start] == 0) and rule(state, start, end, silent)

    return kept


class _Tokens(list[Token]):
    """No more than MOST_TOKENS. Tables fill short rows up to the head's width: few letters become very many cells."""

    def append(self, token: Token) -> None:
        if len(self) >= MOST_TOKENS:
            raise TooMuch
        super().append(token)


def _bound(state: StateCore) -> None:
    state.tokens = _Tokens()


def _newline(state: StateInline, silent: bool) -> bool:
    """A line's end; the next one keeps its leading spaces."""
    if state.src[state.pos] != "\n":
        return False
    if not silent:
        state.push("softbreak", "br", 0)
    state.pos += 1
    return True


def _indents(state: StateCore) -> None:
    """A paragraph keeps the spaces that it begins with, an item its number, and every line is a block of its own."""
    lines = state.src.split("\n")
    for at, token in enumerate(state.tokens):
        if token.type == "paragraph_open":
            first = lines[token.map[0]] if token.map and not token.level else ""
            state.tokens[at + 1].content = first[: len(first) - len(first.lstrip())] + state.tokens[at + 1].content
            if len(_COLUMNS.findall(state.tokens[at + 1].content)) > 1:
                token.attrSet("class", "bs-columns")
        if token.type in ("paragraph_open", "paragraph_close") and token.hidden:
            token.hidden = False
            if token.nesting == 1:
                token.attrSet("class", "bs-tight")
        if token.type == "code_block" and token.info != "unfenced":
            token.content = _indented(token, lines)
        if token.type == "list_item_open" and token.info:
            token.attrSet("value", token.info)


def _indented(token: Token, lines: list[str]) -> str:
    """Code by its indent, with that indent."""
    if token.level or not token.map:
        return _LINE.sub("    ", token.content)
    return "\n".join(lines[token.map[0] : token.map[1]]) + "\n"


def _set_directions(tokens: list[Token], source: str) -> None:
    """Each block finds its own direction; one in another language than the whole says so, for its fonts."""
    whole = language_of(source)
    for at, token in enumerate(tokens):
        if token.type in _BLOCKS:
            token.attrSet("dir", "auto")
        if token.type in _LINES:
            language = language_of(tokens[at + 1].content, within=whole)
            if language not in ("", whole):
                token.attrSet("lang", language)


def _fence(self: RendererHTML, tokens: list[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[idx]
    info = token.info.strip()
    language = info.split(maxsplit=1)[0] if info else ""
    code = env["colours"].of(token.content, language) or html.escape(token.content)
    return f'<pre dir="ltr" tabindex="0" data-info="{html.escape(info)}"><code>{code}</code></pre>\n'


def _image(self: RendererHTML, tokens: list[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[idx]
    title = f' "{token.attrs["title"]}"' if token.attrs.get("title") else ""
    source = f"![{token.content}]({token.attrs['src']}{title})"
    return f'<span class="bs-image">{html.escape(source)}</span>'


def _link_open(self: RendererHTML, tokens: list[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[idx]
    href = html.escape(str(token.attrs["href"]))
    title = html.escape(str(token.attrs.get("title") or token.attrs["href"]))
    return f'<a href="{href}" title="{title}" target="_blank" rel="noopener noreferrer nofollow">'


def _code_block(self: RendererHTML, tokens: list[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
    """Code by its indent, which it keeps, or by its look."""
    return f'<pre dir="ltr" tabindex="0" data-info=""><code>{html.escape(tokens[idx].content)}</code></pre>\n'


def _softbreak(self: RendererHTML, tokens: list[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
    return "<br />"
