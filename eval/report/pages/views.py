"""The pages' HTML. Everything is escaped but what eval.judge.rendering and drawing made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from blindside import console
from eval.judge.page import views as judging
from eval.judge.rendering.differences import differences
from eval.judge.rendering.passages import passages
from eval.judge.rendering.render import formatted, plain_html
from eval.judge.rendering.templates import templates_in
from eval.records import SIDES, Response, Row, Side
from eval.report.pages.behind import Behind, Late
from eval.report.pages.browse import LONGEST_SNIPPET, Item, listing, open_item
from eval.report.pages.compare_page import compare_page
from eval.report.pages.figures import findings
from eval.report.pages.filters import choices, described
from eval.report.pages.query import Query
from eval.report.pages.reviewer_table import WhatIf, what_if
from eval.report.pages.snapshot import Snapshot
from eval.report.pages.study_words import chips
from eval.report.pages.words import Words

ASSETS = Path(__file__).parent / "assets"

OUTCOME_WORDS = {"tuned": "Tuned", "base": "Base", "tie": "Tie", "both_bad": "Both bad", "withdrawn": "Taken back"}
#: Of a pair whose better answer is known.
GOLD_WORDS = {**OUTCOME_WORDS, "tuned": "Better", "base": "Worse"}


@dataclass(frozen=True)
class Frame:
    """What every page says of itself: whose it is, when the files were read, and their stamp then.

    `alone`: it is a file by itself, with nobody to ask; `behind`: the files have changed since.
    """

    name: str
    looked_at: datetime | str
    stamp: str
    say: Words
    alone: bool = False
    behind: bool = False


@dataclass(frozen=True)
class Pane:
    """One answer, named; `marked` is its text with the differences marked."""

    side: Side
    title: str
    name: str
    response: Response
    marked: Markup | None = None


def page_html(snapshot: Snapshot, query: Query, frame: Frame, behind: Behind) -> str:
    """The page that a query asks for; what of it takes long is computed by `behind`."""
    say = frame.say
    if query.view == "compare":
        against = behind.get((query.other, say.language), frame.stamp, lambda: compare_page(snapshot.run, query, say))
        return render("compare.jinja", _following(frame, against), query, versus=against.value)
    if query.view == "results":
        moved = _moved(snapshot, query, frame, behind)
        return render(
            "results.jinja",
            _following(frame, moved),
            query,
            found=findings(snapshot, say),
            what_if=moved.value,
            computing=not moved.fresh and moved.value is None,
            pairs=(),
        )
    if query.item:
        item = open_item(snapshot, query)
        if item is None:
            return render("unknown.jinja", frame, query)
        return render("item.jinja", frame, query, item=item, panes=panes(snapshot, item, query, say))
    return render(
        "browse.jinja",
        frame,
        query,
        listing=listing(snapshot, query),
        choices=choices(snapshot, query, say),
        described=described(snapshot.study, query, say),
    )


def _moved(snapshot: Snapshot, query: Query, frame: Frame, behind: Behind) -> Late[WhatIf | None]:
    if not query.without:
        return Late(None, fresh=True)
    return behind.get(query.without, frame.stamp, lambda: what_if(snapshot, query.without))


def _following(frame: Frame, late: Late[Any]) -> Frame:
    """A page whose figures are under way has a stamp that no files have, so that it looks again until it has them."""
    return frame if late.fresh else replace(frame, stamp=f"{frame.stamp} computing")


def trouble_html(query: Query, frame: Frame, problem: str) -> str:
    """In place of a page whose files cannot be read."""
    return render("trouble.jinja", frame, query, problem=console.visible(problem))


def computing_html(query: Query, frame: Frame) -> str:
    """In place of a page before the first figures are there."""
    return render("computing.jinja", frame, query)


def panes(snapshot: Snapshot, item: Item, query: Query, say: Words) -> Sequence[Pane]:
    """Both answers of an item, named; none where the two did not both answer."""
    pair = item.entry.pair
    if pair is None:
        return []
    texts = pair.base.text, pair.tuned.text
    marks = differences(*texts) or passages(*texts) if query.show == "differences" else None
    models, gold = snapshot.run.info.models, item.entry.gold
    return [
        Pane(
            side,
            say(GOLD_WORDS[side] if gold else side.capitalize()),
            "" if gold else models[side].name,
            pair.answer(side),
            marks[at] if marks else None,
        )
        for at, side in enumerate(SIDES)
    ]


def style() -> str:
    """The pages' style sheets as one; dark where the reader asks for dark."""
    sheets = [judging.ASSETS / "tokens.css", judging.ASSETS / "answers.css"]
    sheets += [ASSETS / f"{name}.css" for name in ("results", "pictures", "browse", "paper")]
    return dark_by_reader("".join(sheet.read_text("utf-8") for sheet in sheets))


def dark_by_reader(sheet: str) -> str:
    """The judging page chooses dark by a class that a script sets; pages without one go by what their reader asks."""
    return sheet.replace("@media screen {\n  .dark {", "@media screen and (prefers-color-scheme: dark) {\n  :root {")


def render(name: str, frame: Frame, query: Row, **values: object) -> str:
    """A template of ASSETS with its values filled in; whatever is no Markup is escaped."""
    say = frame.say
    known = {"frame": frame, "query": query, "say": say, "_": say, "style": _head()[0], "script": _head()[1]}
    return _templates().get_template(name).render(**known, **values).lstrip()


@lru_cache(maxsize=1)
def _head() -> tuple[Markup, Markup]:
    return Markup(style()), Markup((ASSETS / "results.js").read_text("utf-8"))


@lru_cache(maxsize=1)
def _templates() -> Environment:
    env = templates_in(
        ASSETS,
        formatted=formatted,
        plain=plain_html,
        chips=chips,
        outcome_words=OUTCOME_WORDS,
        gold_words=GOLD_WORDS,
        longest_snippet=LONGEST_SNIPPET,
    )
    env.filters["thousands"] = "{:,}".format
    env.filters["moment"] = _moment
    return env


def _moment(when: datetime | str, say: Words) -> str:
    """Date and time in UTC, as the language writes it."""
    moment = datetime.fromisoformat(when) if isinstance(when, str) else when
    return moment.strftime("%Y年%-m月%-d日 %H:%M:%S UTC" if say.language == "zh" else "%Y-%m-%d %H:%M:%S UTC")
