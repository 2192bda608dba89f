"""Traits of answers that need no judge (lists, code, length …), and which of them go with winning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from eval.collect.refusals import refuses
from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.records import SIDES, Pair, Side

_CODE, _TABLE = re.compile(r"^ {0,3}(```|~~~)", re.MULTILINE), re.compile(r"^ {0,3}\|.*\|\s*$", re.MULTILINE)
_LIST, _HEADING = re.compile(r"^\s*([-*+•]|\d+[.)])\s", re.MULTILINE), re.compile(r"^ {0,3}#{1,6}\s", re.MULTILINE)
_ASKS = re.compile(r"[?？]\W*\Z")
#: Characters of an answer that are looked at.
_LOOKED_AT = 20_000
#: An answer is longer if it has this many times the other's length.
_LONGER = 1.1

TRAITS: Mapping[str, Callable[[str], bool]] = {
    "has a list": lambda text: _LIST.search(text) is not None,
    "has a heading": lambda text: "#" in text and _HEADING.search(text) is not None,
    "has a code block": lambda text: ("```" in text or "~~~" in text) and _CODE.search(text) is not None,
    "has a table": lambda text: "|" in text and _TABLE.search(text) is not None,
    "has bold words": lambda text: "**" in text,
    "has a link": lambda text: "http://" in text or "https://" in text,
    "ends with a question": lambda text: _ASKS.search(text[-80:]) is not None,
    "refuses": refuses,
}
LONGER, CUT = "is longer", "is cut off"
#: In the order of the page; one is named by "<trait>:<side>" where that side alone shows it.
NAMES = (LONGER, *TRAITS, CUT)


@dataclass(frozen=True)
class Winning:
    """Where exactly one answer shows a trait: how often that answer won (a tie one half), a prompt counting once."""

    trait: str
    rate: Estimate
    #: How many of these prompts the tuned answer shows it on, and the base answer.
    by_side: Mapping[Side, int]


def traits_of(pair: Pair) -> frozenset[str]:
    """The traits that one answer of the pair shows and the other does not."""
    base, tuned = (_shown(pair, side) for side in SIDES)
    return frozenset([*(f"{one}:base" for one in base - tuned), *(f"{one}:tuned" for one in tuned - base)])


def winning(judged: Iterable[tuple[float, frozenset[str]]]) -> tuple[Winning, ...]:
    """Each trait that ever tells two judged answers apart. `judged`: a prompt's score (1: tuned won) and its traits."""
    scores: dict[str, list[float]] = {name: [] for name in NAMES}
    sides: dict[str, dict[Side, int]] = {name: dict.fromkeys(SIDES, 0) for name in NAMES}
    for score, traits in judged:
        for name in traits:
            trait, _, side = name.rpartition(":")
            scores[trait].append(score if side == "tuned" else 1 - score)
            sides[trait]["tuned" if side == "tuned" else "base"] += 1
    return tuple(Winning(name, win_rate(np.array(each)), sides[name]) for name, each in scores.items() if each)


def _shown(pair: Pair, side: Side) -> frozenset[str]:
    answer, other = pair.answer(side), pair.answer("tuned" if side == "base" else "base")
    text = answer.text[:_LOOKED_AT]
    found = {name for name, test in TRAITS.items() if test(text)}
    if len(answer.text) > _LONGER * len(other.text):
        found.add(LONGER)
    if answer.truncated:
        found.add(CUT)
    return frozenset(found)
