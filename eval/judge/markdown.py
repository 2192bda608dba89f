"""Markdown without raw HTML, in which images, entities, references and TeX stay as the text that they are."""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from eval.judge.colours import Colours
from eval.judge.scripts import language_of

#: An answer of more blocks and cells is not formatted: others wait meanwhile.
MOST_TOKENS = 20_000

_LINK = re.compile(r"(https?|mailto):", re.IGNORECASE)
#: What opens TeX, and what closes it.
_TEX = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
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
    md.inline.ruler.before("escape", "tex", _tex)
    md.core.ruler.before("block", "bound", _bound)
    md.core.ruler.push("direction", lambda state: _set_directions(state.tokens, state.src))
    for rule in (_image, _link_open, _fence):
        md.add_render_rule(rule.__name__.strip("_"), rule)
    return md


class _Tokens(list[Token]):
    """No more than MOST_TOKENS. Tables fill short rows up to the head's width: few letters become very many cells."""

    def append(self, token: Token) -> None:
        if len(self) >= MOST_TOKENS:
            raise TooMuch
        super().append(token)


def _bound(state: StateCore) -> None:
    state.tokens = _Tokens()


def _tex(state: StateInline, silent: bool) -> bool:
    """TeX is text: its backslashes, stars and underscores are not Markdown's."""
    closer = _TEX.get(state.src[state.pos : state.pos + 2])
    if closer is None:
        return False
    ends = _places(state.src, closer)
    at = bisect_left(ends, state.pos + 3)
    if at == len(ends) or ends[at] + 2 > state.posMax:
        return False
    if not silent:
        state.push("text", "", 0).content = state.src[state.pos : ends[at] + 2]
    state.pos = ends[at] + 2
    return True


@lru_cache(maxsize=16)
def _places(source: str, mark: str) -> tuple[int, ...]:
    """Where a mark stands, found once: an opener that looks for its closer must not read on to the end each time."""
    return tuple(match.start() for match in re.finditer(f"(?={re.escape(mark)})", source))


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
