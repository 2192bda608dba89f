"""The child process that renders templates as transformers does: `python -P -m train.export.rendering`."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import Environment, Template, TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from blindside.sandbox import serve

_ENDS = ("block_end", "comment_end", "raw_begin", "raw_end")
_BEGINS = ("block_begin", "comment_begin", "raw_begin", "raw_end")


def plain(source: str) -> str:
    """`source` without the line ends and indents that transformers passes over; as it is where it has none.

    Raises TemplateSyntaxError for what is no template.
    """
    trimmed, whole = _tokens(source, trim=True), _tokens(source, trim=False)
    if [one for one in trimmed if one[0] == "data"] == [one for one in whole if one[0] == "data"]:
        return source
    found = "".join(_expression(place, trimmed) for place in range(len(trimmed)))
    return found + "\n" if found.endswith("\n") else found  # one at the very end is dropped by every reader


def _tokens(source: str, *, trim: bool) -> list[tuple[str, str]]:
    lexer = Environment(trim_blocks=trim, lstrip_blocks=trim).lexer
    return [(kind, text) for _, kind, text in lexer.tokeniter(source, None)]


def _expression(place: int, tokens: list[tuple[str, str]]) -> str:
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


#: Stands for the day's date in any form, so that renderings of two days are the same.
DATE = "26 Jul 2026"


def render(job: dict[str, Any]) -> str:
    """`source` with the variables in `values`; without those, `source` in the form that TGI renders alike."""
    if job["values"] is None:
        return plain(job["source"])
    return _compiled(job["source"]).render(job["values"])


@lru_cache(2)  # of two that are compared
def _compiled(source: str) -> Template:
    world = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    world.globals["raise_exception"] = _refuse
    world.globals["strftime_now"] = lambda _format: DATE
    world.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    return world.from_string(source)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


if __name__ == "__main__":
    serve(render)
