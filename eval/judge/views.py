"""The page's HTML, from what a sitting says is to be shown. Everything is escaped but what eval.judge.render made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval.judge.differences import differences
from eval.judge.render import answer_html, plain_html
from eval.judge.session import LONGEST_COMMENT, View
from eval.records import Response

ASSETS = Path(__file__).parent / "assets"


def stage_html(view: View, *, fixed: bool = False, marked: bool = False) -> str:
    """What changes from pair to pair. It is the same whichever model stands left.

    `fixed`: the reviewer's name cannot be changed. `marked`: the answers' differences are marked.
    """
    panes = _panes(view)
    marks = differences(panes[0].response.text, panes[1].response.text) if marked and panes else None
    if marks:
        panes = [replace(pane, marked=mark) for pane, mark in zip(panes, marks, strict=True)]
    return _templates().get_template("stage.jinja").render(view=view, panes=panes, fixed=fixed, marked=marked)


def top_html() -> str:
    return _templates().get_template("top.jinja").render()


def bar_html() -> str:
    return _templates().get_template("bar.jinja").render(longest_comment=LONGEST_COMMENT)


def head_html() -> str:
    """The page's own style and script, for <head>."""
    css = "".join((ASSETS / name).read_text("utf-8") for name in ("tokens.css", "answers.css", "judge.css"))
    return f"<style>{css}</style><script>{(ASSETS / 'judge.js').read_text('utf-8')}</script>"


@dataclass(frozen=True)
class Pane:
    letter: str
    response: Response
    marked: Markup | None = None


def _panes(view: View) -> list[Pane]:
    if view.pair is None:
        return []
    right = view.pair.tuned if view.left == "base" else view.pair.base
    return [Pane("A", view.pair.answer(view.left)), Pane("B", right)]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    env = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(answer=answer_html, plain=plain_html)
    return env
