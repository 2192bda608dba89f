"""The page's HTML, from what a sitting says is to be shown. Everything is escaped but what eval.judge.render made."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from eval.judge.render import answer_html, plain_html
from eval.judge.session import LONGEST_COMMENT, View
from eval.records import Response

ASSETS = Path(__file__).parent / "assets"


def stage_html(view: View, *, fixed: bool = False) -> str:
    """What changes from pair to pair. It is the same whichever model stands left."""
    return _templates().get_template("stage.jinja").render(view=view, panes=_panes(view), fixed=fixed)


def top_html() -> str:
    return _templates().get_template("top.jinja").render()


def bar_html() -> str:
    return _templates().get_template("bar.jinja").render(longest_comment=LONGEST_COMMENT)


def head_html() -> str:
    """The page's own style and script, for <head>."""
    css, script = (ASSETS / "judge.css").read_text("utf-8"), (ASSETS / "judge.js").read_text("utf-8")
    return f"<style>{css}</style><script>{script}</script>"


def _panes(view: View) -> list[tuple[str, Response]]:
    if view.pair is None:
        return []
    right = view.pair.tuned if view.left == "base" else view.pair.base
    return [("A", view.pair.answer(view.left)), ("B", right)]


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
