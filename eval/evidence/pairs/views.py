"""The page's HTML: one pair, or why there is none. Everything is escaped but what eval.judge's renderers made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from eval.evidence.pairs.shelf import Shelf, trouble
from eval.judge import views as judging
from eval.judge.differences import differences
from eval.judge.render import Formatted, formatted, plain_html
from eval.judge.templates import templates_in

ASSETS = Path(__file__).parent / "assets"
SHOW = ("Formatted", "Differences", "Raw")


def pair_html(shelf: Shelf, places: Sequence[int], at: int, show: str) -> str:
    """The pair that stands at `at` among `places`, its answers shown as one of SHOW."""
    if not places:
        return _environment().get_template("nothing.jinja").render(shelf=shelf)
    pair = shelf.pairs[places[at]]
    marks = differences(pair.chosen, pair.rejected) if show == "Differences" else None
    render = formatted if show == "Formatted" else _as_it_is
    chosen, rejected = map(Formatted, marks) if marks else (render(pair.chosen), render(pair.rejected))
    return _environment().get_template("pair.jinja").render(
        shelf=shelf, pair=pair, at=at, found=len(places), trouble=trouble(pair), plain=show != "Formatted",
        unlike=show == "Differences" and marks is None,
        answers=[("Chosen", chosen, len(pair.chosen)), ("Rejected", rejected, len(pair.rejected))],
    )  # fmt: skip


def lengths_html(shelf: Shelf, places: Sequence[int]) -> str:
    """A chart of the answers' lengths, which a table holds as well."""
    rows = shelf.lengths(places)
    most = max([1, *(n for _, chosen, rejected in rows for n in (chosen, rejected))])
    longer = sum(len(shelf.pairs[n].chosen) > len(shelf.pairs[n].rejected) for n in places)
    return _environment().get_template("lengths.jinja").render(rows=rows, most=most, longer=longer, found=len(places))


def _as_it_is(text: str) -> Formatted:
    return Formatted(plain_html(text))


def head_html() -> Markup:
    """The page's style, for <head>; colours and answers look as they do for reviewers."""
    files = [judging.ASSETS / "tokens.css", judging.ASSETS / "answers.css", ASSETS / "pairs.css"]
    return Markup(f"<style>{''.join(file.read_text(encoding='utf-8') for file in files)}</style>")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return templates_in(ASSETS, said=plain_html)
