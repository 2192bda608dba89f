"""A chat template that reads the same with and without trim_blocks and lstrip_blocks.

transformers renders with both, TGI with neither: a template with `{% … %}` on lines of their own and no minus signs
gets blank lines and indents from TGI, and every prompt changes.
"""

from __future__ import annotations

from jinja2 import Environment

_ENDS = ("block_end", "comment_end", "raw_begin", "raw_end")
_BEGINS = ("block_begin", "comment_begin", "raw_begin", "raw_end")


def plain(source: str) -> str:
    """`source` without the line ends and indents that transformers passes over; as it is where it has none.

    Raises TemplateSyntaxError for what is no template.
    """
    trimmed, whole = _tokens(source, trim=True), _tokens(source, trim=False)
    if [one for one in trimmed if one[0] == "data"] == [one for one in whole if one[0] == "data"]:
        return source
    found = "".join(_written(place, trimmed) for place in range(len(trimmed)))
    return found + "\n" if found.endswith("\n") else found  # one at the very end is dropped by every reader


def _tokens(source: str, *, trim: bool) -> list[tuple[str, str]]:
    lexer = Environment(trim_blocks=trim, lstrip_blocks=trim).lexer
    return [(kind, text) for _, kind, text in lexer.tokeniter(source, None)]


def _written(place: int, tokens: list[tuple[str, str]]) -> str:
    kind, text = tokens[place]
    if kind != "data":
        return _marks(kind, text)
    before = tokens[place - 1][0] if place else ""
    after = tokens[place + 1][0] if place + 1 < len(tokens) else ""
    return _kept(text, follows=before in _ENDS, leads=after in _BEGINS, first=not before)


def _marks(kind: str, text: str) -> str:
    """A block's ends without the white space that belongs to them, and without `+`, which keeps what is kept anyway."""
    if kind in _ENDS:
        text = text.rstrip().replace("+%}", "%}").replace("+#}", "#}")
    if kind in _BEGINS:
        text = text.lstrip().replace("{%+", "{%").replace("{#+", "{#")
    return text


def _kept(text: str, *, follows: bool, leads: bool, first: bool) -> str:
    """Text that stays, the parts that transformers would pass over written as expressions."""
    head = tail = ""
    if follows and text.startswith("\n"):
        head, text = "{{ '\\n' }}", text[1:]
    line = text.rpartition("\n")[2]
    if leads and line and not line.strip(" \t") and ("\n" in text or (first and not head)):
        tail, text = f"{{{{ {line!r} }}}}", text[: -len(line)]
    return head + text + tail
