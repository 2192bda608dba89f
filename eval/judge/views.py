"""The page's HTML, from what a sitting says is to be shown. Everything is escaped but what eval.judge.render made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from eval.judge.differences import differences
from eval.judge.forms import Place
from eval.judge.render import formatted, plain_html
from eval.judge.scripts import language_attribute
from eval.judge.showing import LONGEST_COMMENT, View
from eval.judge.strings import say, say_tag, table
from eval.judge.study import Language, Study
from eval.judge.templates import templates_in
from eval.records import Response

ASSETS = Path(__file__).parent / "assets"
STYLES = ("tokens.css", "answers.css", "judge.css", "form.css", "phone.css")
SCRIPTS = ("words.js", "draft.js", "form.js", "judge.js", "keys.js")

#: Notices of something that went wrong; the others only tell.
ALARMS = frozenset({"stale", "not_saved", "broken", "criterion_missing", "reason_missing", "not_understood"})
#: How a choice is called.
CHOICES = {"left": "a_better", "right": "b_better", "tie": "tie", "both_bad": "both_bad", "up": "good", "down": "bad"}

#: How the page calls the end of an answer that is not complete.
ENDS = {"cut": "cut", "filtered": "filtered", "tool call": "tool_call", "error": "broken_off"}


@dataclass(frozen=True)
class Show:
    """How a view is to be shown: `fixed`: the name cannot be changed; `marked`: differences are; `listed`: the list
    of one's own verdicts is open."""

    language: Language = "en"
    fixed: bool = False
    marked: bool = False
    listed: bool = False


def stage_html(view: View, show: Show | None = None) -> str:
    """What changes from pair to pair. It is the same whichever model stands left."""
    show = show or Show()
    panes = _panes(view)
    marks = differences(panes[0].response.text, panes[1].response.text) if show.marked and len(panes) > 1 else None
    if marks:
        panes = [replace(pane, marked=mark) for pane, mark in zip(panes, marks, strict=True)]
    notice = view.notice
    return (
        _templates()
        .get_template("stage.jinja")
        .render(
            view=view,
            panes=panes,
            fixed=show.fixed,
            marked=show.marked,
            listed=show.listed,
            told=say(f"notice_{notice.key}", show.language, detail=notice.detail) if notice else "",
            alarm=notice.key if notice and notice.key in ALARMS else "",
            choices=CHOICES,
            **_words(show.language),
        )
    )


def top_html(study: Study, *, logins: bool = False) -> str:
    """The header, in English: the page's script puts in its reader's language."""
    return _templates().get_template("top.jinja").render(mode=study.mode, logins=logins, **_words("en"))


def bar_html(study: Study, *, logins: bool = False) -> str:
    """The buttons and the list of keys, in English as the header."""
    return (
        _templates()
        .get_template("bar.jinja")
        .render(
            mode=study.mode,
            reason=study.reason,
            asks=bool(study.criteria or study.tags),
            logins=logins,
            longest_comment=LONGEST_COMMENT,
            **_words("en"),
        )
    )


def head_html() -> str:
    """The page's own style and script, for <head>."""
    return _head(STYLES, SCRIPTS)


def login_html() -> str:
    """The whole page for who is not logged in, in English as the header."""
    head = Markup(_head(("tokens.css", "judge.css", "phone.css"), ("words.js", "login.js")))
    return _templates().get_template("login.jinja").render(head=head, **_words("en"))


@dataclass(frozen=True)
class Pane:
    letter: str
    place: Place
    response: Response
    marked: Markup | None = None


def _panes(view: View) -> Sequence[Pane]:
    if view.answer is not None:
        return [Pane("A", "left", view.answer)]
    if view.pair is None:
        return []
    right = view.pair.tuned if view.left == "base" else view.pair.base
    return [Pane("A", "left", view.pair.answer(view.left)), Pane("B", "right", right)]


def _words(language: Language) -> dict[str, object]:
    def t(key: str, **values: object) -> str:
        return say(key, language, **values)

    return {"t": t, "tag": partial(say_tag, language=language)}


def _head(styles: Sequence[str], scripts: Sequence[str]) -> str:
    css, script = ("".join((ASSETS / name).read_text("utf-8") for name in names) for names in (styles, scripts))
    return f"<style>{css}</style><script>window.blindside = {{ strings: {table()} }};\n{script}</script>"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    known = {"formatted": formatted, "plain": plain_html, "language": language_attribute, "ENDS": ENDS}
    return templates_in(ASSETS, **known)
