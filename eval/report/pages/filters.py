"""The filters of the browse page, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.evidence.signals.traits import NAMES
from eval.judge.study.study import Study
from eval.report.pages.query import Query
from eval.report.pages.snapshot import Snapshot
from eval.report.pages.study_words import answer_words, side_tag
from eval.report.pages.words import Words

Options = tuple[tuple[str, str], ...]

_FIXED: dict[str, tuple[str, Options]] = {
    "verdict": (
        "Verdict",
        (
            ("", "Any verdict"),
            ("tuned", "Tuned is better"),
            ("base", "Base is better"),
            ("tie", "Tie"),
            ("both_bad", "Both bad"),
            ("comment", "With a comment"),
            ("skipped", "Skipped and left"),
            ("unjudged", "Not judged yet"),
            ("identical", "Identical answers"),
            ("unanswered", "Not answered by both"),
            ("giveaway", "Names its model"),
        ),
    ),
    "agreement": (
        "Agreement",
        (
            ("", "Any number of verdicts"),
            ("alike", "Reviewers agree"),
            ("disagreement", "Reviewers disagree"),
            ("single", "One verdict"),
        ),
    ),
    "length": (
        "The tuned answer is",
        (
            ("", "Of any length"),
            ("half", "at most half as long"),
            ("shorter", "shorter"),
            ("same", "about as long"),
            ("longer", "longer"),
            ("twice", "at least twice as long"),
        ),
    ),
    "time": (
        "Seconds",
        (
            ("", "Any time"),
            ("hasty", "under 2 s"),
            ("short", "2 to 10 s"),
            ("middle", "10 to 60 s"),
            ("long", "a minute or more"),
        ),
    ),
    "expect": (
        "Must-pass",
        (
            ("", "With or without"),
            ("any", "Has an expectation"),
            ("broken", "Broken by tuned"),
            ("repaired", "Repaired by tuned"),
            ("passed", "Passed by both"),
            ("failed", "Failed by both"),
        ),
    ),
    "sort": (
        "Order",
        (
            ("", "Original order"),
            ("verdicts", "Most verdicts first"),
            ("tuned", "Tuned's clearest wins first"),
            ("base", "Base's clearest wins first"),
            ("ratio", "Longest tuned answers first"),
            ("slow", "Slowest verdicts first"),
            ("comments", "Most comments first"),
        ),
    ),
}
#: In the form from the first; the rest are behind "More filters".
FIRST = ("category", "verdict", "reviewer", "sort")


@dataclass(frozen=True)
class Choice:
    """One select of the form; what is chosen stays there, though the run has no such value."""

    name: str
    label: str
    options: Options
    chosen: str
    first: bool


def choices(snapshot: Snapshot, query: Query, say: Words) -> tuple[Choice, ...]:
    """All filters that can find something in this run, those of FIRST first."""
    study = snapshot.study
    tags = [(f"{side}:{tag}", side_tag(study, side, tag, say)) for side in ("base", "tuned") for tag in study.tags]
    criteria = [
        (f"{column}={value}", answer_words(study, column, value, say))
        for column, values in study.values.items()
        for value in values
    ]
    traits = [
        (f"{trait}:{side}", f"{say(side.capitalize())} {say(trait)}")
        for trait in NAMES
        for side in ("base", "tuned")
        if f"{trait}:{side}" in snapshot.traits
    ]
    own: dict[str, tuple[str, str, Sequence[tuple[str, str]]]] = {
        "category": ("Category", "Any category", [(name, name) for name in snapshot.categories]),
        "reviewer": ("Reviewer", "Any reviewer", [(name, name) for name in snapshot.reviewers]),
        "tag": ("Tag", "Any tag", tags),
        "criterion": ("Criterion", "Any answer", criteria),
        "trait": ("One answer alone", "Any trait", traits),
    }
    found = [_own(name, label, every, options, query, say) for name, (label, every, options) in own.items()]
    found += list(_fixed(snapshot, query, say))
    first = [next(one for one in found if one.name == name) for name in FIRST]
    return (*first, *(one for one in found if not one.first and len(one.options) > 1))


def described(study: Study, query: Query, say: Words) -> tuple[str, ...]:
    """The filters that hold beside search, category, verdict and reviewer, in words: they are shown though folded."""
    labels = []
    for name, (label, options) in _FIXED.items():
        value = getattr(query, name)
        if value and name not in FIRST:
            labels.append(f"{say(label)}: {say(dict(options)[value])}")
    if query.tag:
        side, _, tag = query.tag.partition(":")
        labels.append(side_tag(study, side, tag, say))
    if query.criterion:
        column, _, value = query.criterion.partition("=")
        labels.append(answer_words(study, column, value, say))
    if query.trait:
        trait, _, side = query.trait.rpartition(":")
        labels.append(f"{say('One answer alone')}: {say(side.capitalize())} {say(trait)}")
    return tuple(labels)


def _own(name: str, label: str, every: str, options: Sequence[tuple[str, str]], query: Query, say: Words) -> Choice:
    chosen = getattr(query, name)
    known = [("", say(every)), *options]
    if chosen and chosen not in dict(known):
        known.append((chosen, chosen))
    return Choice(name, say(label), tuple(known), chosen, name in FIRST)


def _fixed(snapshot: Snapshot, query: Query, say: Words) -> Iterator[Choice]:
    for name, (label, options) in _FIXED.items():
        if name == "expect" and not any(entry.prompt.expect for entry in snapshot.entries):
            continue
        labels = tuple((value, say(words)) for value, words in options)
        yield Choice(name, say(label), labels, getattr(query, name), name in FIRST)
