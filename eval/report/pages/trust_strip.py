"""The trust strip: the nine conditions of a win rate, each with mark, figure and link."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from eval.evidence.conditions import Condition, State
from eval.evidence.verdict import RunVerdict
from eval.report.pages.query import browse_link
from eval.report.pages.words import Words

STOP = "stop or continue"
MARKS: dict[State, str] = {"fine": "✓", "doubt": "!", "contradicted": "✕", "open": "–"}
#: Where there is more of each; a condition that is not named here leads to the figures.
_WHERE = {
    STOP: "#time",
    "equal length": "#length",
    "without any one reviewer": "#reviewers",
    "known answers right": "#reviewers",
    "repeats alike": "#reviewers",
    "agreement": "#agreement",
    "speed": "#seconds",
    "early against late": "#place",
    "skips": browse_link(verdict="skipped"),
}
_FIGURES = "#figures"
_STATES: dict[str, State] = {"shown": "fine", "weaker": "doubt", "open": "open"}


@dataclass(frozen=True)
class Mark:
    """One condition as it is shown; `state` names its colour and its words."""

    name: str
    state: State
    sign: str
    words: str
    figure: str
    href: str


def trust_strip(verdict: RunVerdict, say: Words, anchors: Collection[str]) -> tuple[Mark, ...]:
    """All conditions of a verdict, whether one may stop first. `there`: the parts that the page has, by id."""
    return tuple(_mark(one, say, anchors) for one in all_conditions(verdict))


def all_conditions(verdict: RunVerdict) -> tuple[Condition, ...]:
    """Whether one may stop, and the conditions of the claim."""
    if any(one.name == STOP for one in verdict.conditions):
        return verdict.conditions
    state = _STATES.get(verdict.state, "contradicted")
    return (Condition(STOP, state, verdict.advice, verdict.advice, "report.html#time"), *verdict.conditions)


def _mark(one: Condition, say: Words, anchors: Collection[str]) -> Mark:
    name, href = say.sentence(one.name), _WHERE.get(one.name, _FIGURES)
    return Mark(
        name=name[:1].upper() + name[1:],
        state=one.state,
        sign=MARKS[one.state],
        words=say(one.state),
        figure=say.sentence(one.figure),
        href=href if href.startswith("?") or href[1:] in anchors else _FIGURES,
    )
