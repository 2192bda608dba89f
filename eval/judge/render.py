"""A model's text as HTML that shows all of it and runs none of it.

Markdown is rendered here, on the server, without raw HTML; images, entities, references and TeX stay as the
text that they are.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from eval.judge.scripts import language_of

#: Longer code is shown without colours: some lexers take quadratic time.
LONGEST_CODE = 20_000

_LINK = re.compile(r"(https?|mailto):", re.IGNORECASE)
_TEX = re.compile(r"\\\(.+?\\\)|\\\[.+?\\\]|\$\$.+?\$\$", re.DOTALL)
_WORD = re.compile(r"\w+")
_LIST_NUMBER = re.compile(r"^[\s>*+-]*\d{1,9}(?=[.)])", re.MULTILINE)
_LINES = {"paragraph_open", "heading_open", "th_open", "td_open"}
_BLOCKS = {
    "paragraph_open",
    "heading_open",
    "blockquote_open",
    "bullet_list_open",
    "ordered_list_open",
    "table_open",
}
_TAG = re.compile(r"<[^>]*>")
_SHOWN_BY_ATTRIBUTE = re.compile(r'(?:href|title|start|data-info)="([^"]*)"')


def answer_html(text: str) -> Markup:
    """The text as blocks of HTML, each with its own direction; where Markdown would drop words, as plain text."""
    text = _visible(text)
    rendered: str = _markdown().render(text)
    return Markup(rendered if _shows_all(text, rendered) else plain_html(text))


def plain_html(text: str) -> Markup:
    """The text as it is, line by line."""
    return Markup(f'<div class="bs-plain" dir="auto">{html.escape(_visible(text))}</div>')


def _visible(text: str) -> str:
    """NUL cannot be in a page: U+FFFD stands for it."""
    return text.replace("\0", "\ufffd")


def _shows_all(text: str, rendered: str) -> bool:
    """Whether every word is still there: tables drop cells that have no heading, deep nesting is cut off."""
    shown = (
        html.unescape(_TAG.sub(" ", rendered)) + " " + html.unescape(" ".join(_SHOWN_BY_ATTRIBUTE.findall(rendered)))
    )
    wanted = set(_WORD.findall(_LIST_NUMBER.sub("", text)))
    missing = wanted - set(_WORD.findall(shown))
    # Colours may cut a word of code in two, so the letters are looked for without the cuts.
    joined = html.unescape(_TAG.sub("", rendered))
    return all(word in joined or word in shown for word in missing)


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False, "breaks": True, "highlight": _colour})
    md.enable(["table", "strikethrough"]).disable(["reference", "entity"])
    md.validateLink = lambda url: bool(_LINK.match(url))  # type: ignore[method-assign]
    md.inline.ruler.before("escape", "tex", _tex)
    md.core.ruler.push("direction", lambda state: _set_directions(state.tokens, state.src))
    for rule in (_image, _link_open, _fence):
        md.add_render_rule(rule.__name__.strip("_"), rule)
    return md


def _tex(state: StateInline, silent: bool) -> bool:
    """TeX is text: its backslashes, stars and underscores are not Markdown's."""
    match = _TEX.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.push("text", "", 0).content = match.group()
    state.pos = match.end()
    return True


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


def _colour(code: str, language: str, attributes: str) -> str:
    if not language or len(code) > LONGEST_CODE:
        return ""
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return ""
    coloured: str = highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix="hl-"))
    return coloured


def _fence(self: RendererHTML, tokens: list[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[idx]
    info = token.info.strip()
    language = info.split(maxsplit=1)[0] if info else ""
    code = _colour(token.content, language, "") or html.escape(token.content)
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
