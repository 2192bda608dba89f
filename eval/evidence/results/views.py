"""The pages' HTML. Everything is escaped but what eval.judge.render and eval.judge.differences made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from eval.evidence.results.browse import LONGEST_SNIPPET, Item, listing, open_item
from eval.evidence.results.extras import extra
from eval.evidence.results.figures import findings
from eval.evidence.results.query import Query
from eval.evidence.results.snapshot import Snapshot
from eval.evidence.whole import all_figures
from eval.judge import views as judging
from eval.judge.differences import differences
from eval.judge.render import formatted, plain_html
from eval.judge.templates import templates_in
from eval.records import SIDES, Response, Side

ASSETS = Path(__file__).parent / "assets"

OUTCOME_WORDS = {"tuned": "Tuned", "base": "Base", "tie": "Tie", "both_bad": "Both bad", "withdrawn": "Taken back"}
#: Of a pair whose better answer is known.
GOLD_WORDS = {**OUTCOME_WORDS, "tuned": "Better", "base": "Worse"}
WHICH_WORDS = (
    ("", "Any verdict"),
    ("tuned", "Tuned is better"),
    ("base", "Base is better"),
    ("tie", "Tie"),
    ("both_bad", "Both bad"),
    ("disagreement", "Reviewers disagree"),
    ("comment", "With a comment"),
    ("unjudged", "Not judged yet"),
    ("identical", "Identical answers"),
    ("unanswered", "Not answered by both"),
    ("giveaway", "Names its model"),
)


@dataclass(frozen=True)
class Frame:
    """What every page says of itself: the address it answers, when the files were read, a number of its own."""

    run: str
    query: Query
    address: str
    looked_at: datetime
    turn: str


@dataclass(frozen=True)
class Pane:
    """One answer, named; `marked` is its text with the differences marked."""

    side: Side
    title: str
    name: str
    response: Response
    marked: Markup | None = None


def page_html(snapshot: Snapshot, frame: Frame) -> str:
    """The page that the frame's query asks for."""
    query = frame.query
    if query.view == "results":
        whole = snapshot.whole
        return render(
            "results.jinja", frame=frame, found=findings(snapshot), extra=extra(whole), figures=all_figures(whole)
        )
    if query.item:
        item = open_item(snapshot, query)
        if item is None:
            return render("unknown.jinja", frame=frame)
        return render("item.jinja", frame=frame, item=item, panes=_panes(snapshot, item, query))
    return render("browse.jinja", frame=frame, listing=listing(snapshot, query), snapshot=snapshot)


def trouble_html(frame: Frame, problem: str) -> str:
    """In place of a page whose files cannot be read."""
    return render("trouble.jinja", frame=frame, problem=problem)


def lost_html() -> str:
    """The banner for a server that is gone; it is there from the start."""
    return render("lost.jinja")


def waiting_html() -> str:
    """What stands there until the first page comes."""
    return render("waiting.jinja")


def head_html() -> str:
    """The pages' own style and script, for <head>."""
    return f"<style>{style()}</style><script>{(ASSETS / 'results.js').read_text('utf-8')}</script>"


def style() -> str:
    """The pages' style sheets as one; what is dark is so under the class `dark`."""
    sheets = (judging.ASSETS / "tokens.css", judging.ASSETS / "answers.css", ASSETS / "results.css")
    return "".join(sheet.read_text("utf-8") for sheet in sheets)


def _panes(snapshot: Snapshot, item: Item, query: Query) -> Sequence[Pane]:
    pair = item.entry.pair
    if pair is None:
        return []
    marks = differences(pair.base.text, pair.tuned.text) if query.show == "differences" else None
    models, gold = snapshot.run.info.models, item.entry.gold
    return [
        Pane(
            side,
            GOLD_WORDS[side] if gold else side.capitalize(),
            "" if gold else models[side].name,
            pair.answer(side),
            marks[at] if marks else None,
        )
        for at, side in enumerate(SIDES)
    ]


def _options(values: Sequence[str], every: str, chosen: str) -> list[tuple[str, str]]:
    """A select's options: `every` first; what is chosen stays there, though the run has no such value."""
    known = [*values, *([chosen] if chosen and chosen not in values else [])]
    return [("", every), *((value, value) for value in known)]


def render(name: str, **values: object) -> str:
    """A template of ASSETS with its values filled in; whatever is no Markup is escaped."""
    return _templates().get_template(name).render(**values)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    env = templates_in(
        ASSETS,
        counted=lambda n, noun: f"{n:,} {noun}" + ("" if n == 1 else "s"),
        options=_options,
        formatted=formatted,
        plain=plain_html,
        outcome_words=OUTCOME_WORDS,
        gold_words=GOLD_WORDS,
        which_words=WHICH_WORDS,
        longest_snippet=LONGEST_SNIPPET,
    )
    env.filters["thousands"] = "{:,}".format
    return env
