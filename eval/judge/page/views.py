"""The page's HTML for a session's view. Everything is escaped but what judge.rendering made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from eval.judge.page.page_protocol import LONGEST_COMMENT, View
from eval.judge.rendering.differences import differences
from eval.judge.rendering.passages import passages
from eval.judge.rendering.render import formatted, plain_html
from eval.judge.rendering.scripts import language_attribute
from eval.judge.rendering.templates import templates_in
from eval.judge.study.forms import Option, Place, form_of
from eval.judge.study.localized import Language
from eval.judge.study.page_texts import strings_json, text_of
from eval.judge.study.string_table import LANGUAGES
from eval.judge.study.study import Mode, Study
from eval.records import Response

ASSETS = Path(__file__).parent / "assets"
STYLES = ("tokens.css", "answers.css", "judge.css", "form.css", "phone.css")
SCRIPTS = (
    "words.js",
    "load.js",
    "copied.js",
    "draft.js",
    "form.js",
    "reading.js",
    "list.js",
    "ahead.js",
    "judge.js",
    "keys.js",
)

#: Notices of errors; the others are information.
ALARMS = frozenset({"stale", "not_saved", "broken", "criterion_missing", "reason_missing", "not_understood"})


@dataclass(frozen=True)
class Choice:
    """A verdict's button: the string it is called by, and its keys as they are on an English keyboard.

    `means`: the string of the list of keys; `explained`: what is meant, where the name does not say it.
    """

    name: str
    word: str
    cap: str
    other: str = ""
    means: str = ""
    explained: str = ""
    wins: bool = True

    @property
    def shortcuts(self) -> str:
        return f"{self.cap} {_SHORTCUTS.get(self.other, self.other.lower())}".strip()

    @property
    def caps(self) -> list[str]:
        return [cap for cap in (self.cap, self.other) if cap]


_SHORTCUTS = {"←": "ArrowLeft", "→": "ArrowRight"}


def _even(name: str, cap: str, other: str) -> Choice:
    return Choice(name, name, cap, other, f"key_{name}", f"{name}_means", wins=False)


#: The verdicts of each mode, as their buttons stand.
CHOICES: dict[Mode, tuple[Choice, ...]] = {
    "compare": (
        Choice("left", "a_better", "1", "←", "a_better"),
        _even("tie", "2", "T"),
        _even("both_bad", "3", "X"),
        Choice("right", "b_better", "4", "→", "b_better"),
    ),
    "graded": (
        Choice("left_much", "a_much", "1", "", "a_much"),
        Choice("left", "a_better", "2", "←", "a_better"),
        _even("tie", "3", "T"),
        _even("both_bad", "4", "X"),
        Choice("right", "b_better", "5", "→", "b_better"),
        Choice("right_much", "b_much", "6", "", "b_much"),
    ),
    "thumbs": (
        Choice("up", "good", "1", "←", "key_good", "good_means"),
        Choice("down", "bad", "2", "→", "key_bad", "bad_means"),
    ),
}
#: Choice -> the string it is called by.
WORDS = {choice.name: choice.word for choices in CHOICES.values() for choice in choices}

#: How the page calls the end of an answer that is not complete.
ENDS = {"cut": "cut", "filtered": "filtered", "tool call": "tool_call", "error": "broken_off"}


@dataclass(frozen=True)
class Show:
    """How a view is to be shown: `fixed`: the name cannot be changed; `marked`: differences are, and `just_marked`
    that this was asked for now; `listed`: the list of one's own verdicts is open."""

    language: Language = "en"
    fixed: bool = False
    marked: bool = False
    just_marked: bool = False
    listed: bool = False


def stage_html(view: View, show: Show | None = None) -> str:
    """What changes from pair to pair. It is the same whichever model stands left."""
    show = show or Show()
    panes = _panes(view)
    texts = [pane.response.text for pane in panes] if show.marked and len(panes) > 1 else []
    marks = differences(*texts) if texts else None
    coarse = passages(*texts) if texts and not marks else None
    marks = marks or coarse
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
            marking="unlike" if texts and not marks else "coarse" if coarse and show.just_marked else "",
            listed=show.listed,
            told=text_of(f"notice_{notice.key}", show.language, detail=notice.detail) if notice else "",
            alarm=notice.key if notice and notice.key in ALARMS else "",
            words=WORDS,
            choices=CHOICES[view.mode],
            instructions=formatted(view.instructions).html if view.instructions else "",
            **_words(show.language),
        )
    )


def top_html(study: Study, *, logins: bool = False, copied: bool = False) -> str:
    """The header, in English: the page's script puts in its reader's language. `copied`: it says what was copied."""
    return _templates().get_template("top.jinja").render(mode=study.mode, logins=logins, copied=copied, **_words("en"))


def bar_html(study: Study, *, logins: bool = False) -> str:
    """The buttons and the list of keys, in English as the header."""
    return (
        _templates()
        .get_template("bar.jinja")
        .render(
            mode=study.mode,
            reason=study.reason,
            choices=CHOICES[study.mode],
            guides=[_guide(study, language) for language in LANGUAGES],
            asks=bool(study.criteria or study.tags),
            thinking=study.show_thinking,
            logins=logins,
            longest_comment=LONGEST_COMMENT,
            **_words("en"),
        )
    )


def head_html() -> str:
    """The page's own style and script, for <head>."""
    return _head(STYLES, SCRIPTS)


def login_html(*, hub: bool = False) -> str:
    """The whole page for who is not logged in, in English as the header. `hub`: by an account of the Hub."""
    head = Markup(_head(("tokens.css", "judge.css", "phone.css"), ("words.js", "login.js")))
    return _templates().get_template("login.jinja").render(head=head, hub=hub, **_words("en"))


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
        return text_of(key, language, **values)

    return {"t": t, "gap": "" if language == "zh" else " "}


@dataclass(frozen=True)
class Guide:
    """What a study tells its reviewers in one language: `verdicts` are (name, meaning), `asked` (question, options)."""

    language: Language
    question: str
    instructions: Markup | None
    verdicts: Sequence[tuple[str, str]]
    asked: Sequence[tuple[str, Sequence[Option]]]


def _guide(study: Study, language: Language) -> Guide:
    form = form_of(study, language)
    instructions = study.instructions.say(language) if study.instructions else ""
    explained = [choice for choice in CHOICES[study.mode] if choice.explained]
    asked = [(one.question, _described(one.values)) for one in form.criteria]
    tags = _described(form.tags)
    return Guide(
        language,
        _question(study, language),
        formatted(instructions).html if instructions else None,
        [(text_of(choice.word, language), text_of(choice.explained, language)) for choice in explained],
        [*asked, *([(text_of("tags", language), tags)] if tags else [])],
    )


def _described(options: Sequence[Option]) -> Sequence[Option]:
    return [option for option in options if option[2]]


def _question(study: Study, language: Language) -> str:
    """What the verdict answers, above its buttons."""
    own = study.question.say(language) if study.question else ""
    return own or text_of("thumbs_question" if study.mode == "thumbs" else "question", language)


def _head(styles: Sequence[str], scripts: Sequence[str]) -> str:
    css, script = ("".join((ASSETS / name).read_text("utf-8") for name in names) for names in (styles, scripts))
    return f"<style>{css}</style><script>window.blindside = {{ strings: {strings_json()} }};\n{script}</script>"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    known = {"formatted": formatted, "plain": plain_html, "language": language_attribute, "ENDS": ENDS}
    return templates_in(ASSETS, **known)
