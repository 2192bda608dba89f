"""The table of judgements: one typed array per column, and the same by prompt or by cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from eval.records import OUTCOMES, Verdict

#: Codes of `Judgements.outcome`: positions in eval.records.OUTCOMES.
BASE, TUNED, TIE, BOTH_BAD = range(len(OUTCOMES))


@dataclass(frozen=True)
class Facts:
    """What the answers to each item of a table are like, shape (items,) each; sides are columns (base, tuned)."""

    #: Codes into `categories`.
    category: NDArray[np.intp]
    categories: tuple[str, ...]
    #: Length in characters, as AlpacaEval counts it. Shape (items, 2).
    characters: NDArray[np.intp]


@dataclass(frozen=True)
class Judgements:
    """n judgements in force, column by column; `item` and `reviewer` are codes into `items` and `reviewers`."""

    item: NDArray[np.intp]
    reviewer: NDArray[np.intp]
    outcome: NDArray[np.intp]
    items: tuple[str, ...]
    reviewers: tuple[str, ...]
    #: Prompts asked; pairs that both sides answered; of these, pairs whose answers are the same text.
    asked: int
    pairs: int
    identical: int
    #: Rows of verdicts.csv that are not judgements in this table, by reason.
    excluded: dict[str, int]
    #: Which model stood left (BASE or TUNED, -1: not known), seconds from the pair's appearance (NaN: not known), and
    #: which of its reviewer's judgements it was, from 0. Shape (n,).
    left: NDArray[np.intp]
    seconds: NDArray[np.float64]
    position: NDArray[np.intp]
    facts: Facts
    #: Judgements of repeated pairs and of pairs with a known answer: about reviewers, never about models.
    repeats: tuple[Verdict, ...] = ()
    golds: tuple[Verdict, ...] = ()
    #: item -> how many of the n judgements had been given when somebody first skipped it.
    put_off: Mapping[str, int] = field(default_factory=dict)
    #: item -> its cluster, for those of a cluster with more than one prompt, judged or not.
    clusters: Mapping[str, str] = field(default_factory=dict)
    #: Items that somebody skipped who has not judged them since, whoever else has.
    passed_over: frozenset[str] = frozenset()
    #: How many of the n judgements were given elsewhere and imported.
    imported: int = 0

    def __len__(self) -> int:
        return len(self.item)

    def count(self, outcome: int) -> int:
        return int(np.count_nonzero(self.outcome == outcome))

    @property
    def score(self) -> NDArray[np.float64]:
        """Of each judgement: tuned 1, tie 1/2, base 0, both_bad NaN. Shape (n,)."""
        return _SCORES[self.outcome]

    @property
    def judged(self) -> NDArray[np.intp]:
        """How many judgements each item has. Shape (items,)."""
        return np.bincount(self.item, minlength=len(self.items))

    @property
    def decided(self) -> NDArray[np.bool_]:
        """Which judgements preferred one side. Shape (n,)."""
        return self.outcome <= TUNED

    def where(self, keep: NDArray[np.bool_]) -> Judgements:
        """The same table with some of its judgements, shape (n,); items and reviewers keep their codes."""
        columns = ("item", "reviewer", "outcome", "left", "seconds", "position")
        return replace(self, **{name: getattr(self, name)[keep] for name in columns})


_CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\s{_CJK}]+")
#: Scores by outcome code.
_SCORES = np.array([0.0, 1.0, 0.5, np.nan])


def of_arrays(
    item: ArrayLike,
    outcome: ArrayLike,
    *,
    reviewer: ArrayLike | None = None,
    left: ArrayLike | None = None,
    seconds: ArrayLike | None = None,
    category: ArrayLike | None = None,
    characters: ArrayLike | None = None,
) -> Judgements:
    """A table without files: codes from 0, one a judgement but for `category` (items,) and `characters` (items, 2)."""
    item, outcome = np.asarray(item, dtype=np.intp), np.asarray(outcome, dtype=np.intp)
    n, items = len(item), int(np.max(item, initial=-1)) + 1
    reviewer = np.zeros(n, dtype=np.intp) if reviewer is None else np.asarray(reviewer, dtype=np.intp)
    category = np.zeros(items, dtype=np.intp) if category is None else np.asarray(category, dtype=np.intp)
    people, kinds = (int(np.max(codes, initial=-1)) + 1 for codes in (reviewer, category))
    return Judgements(
        item=item,
        reviewer=reviewer,
        outcome=outcome,
        items=tuple(map(str, range(items))),
        reviewers=tuple(map(str, range(people))),
        asked=items,
        pairs=items,
        identical=0,
        excluded={},
        left=np.arange(n, dtype=np.intp) % 2 if left is None else np.asarray(left, dtype=np.intp),
        seconds=np.ones(n) if seconds is None else np.asarray(seconds, dtype=np.float64),
        position=positions(reviewer),
        facts=Facts(
            category=category,
            categories=tuple(map(str, range(kinds))),
            characters=np.ones((items, 2), dtype=np.intp)
            if characters is None
            else np.asarray(characters, dtype=np.intp),
        ),
    )


def prompt_means(item: NDArray[np.intp], value: NDArray[np.float64], prompts: int) -> NDArray[np.float64]:
    """Mean of the values of each prompt that are not NaN; NaN for a prompt without one. Shape (prompts,)."""
    present = ~np.isnan(value)
    number = np.bincount(item[present], minlength=prompts)
    total = np.bincount(item[present], weights=value[present], minlength=prompts)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def word_count(text: str) -> int:
    """Words between spaces; a character of Chinese, Japanese or Korean counts as one."""
    return len(text.split() if text.isascii() else _WORD.findall(text))


def positions(reviewer: NDArray[np.intp]) -> NDArray[np.intp]:
    """Which of its reviewer's judgements each one is, from 0, in the order of the rows. Shape (n,)."""
    order = np.argsort(reviewer, kind="stable")
    sorted_codes = reviewer[order]
    begins = np.searchsorted(sorted_codes, sorted_codes)
    found = np.empty(len(reviewer), dtype=np.intp)
    found[order] = np.arange(len(reviewer)) - begins
    return found


def by_cluster(table: Judgements) -> Judgements:
    """The table by clusters instead of prompts: what is one question asked in several ways counts once.

    Facts of the answers are those of each cluster's first prompt.
    """
    if not table.clusters:
        return table
    unit = table.clusters
    items, code = codes_of(unit.get(item, item) for item in table.items)
    first = np.unique(code, return_index=True)[1]
    put_off: dict[str, int] = {}
    for item, given in table.put_off.items():
        name = unit.get(item, item)
        put_off[name] = min(given, put_off.get(name, given))
    return replace(
        table,
        item=code[table.item] if len(table) else table.item,
        items=items,
        facts=replace(table.facts, category=table.facts.category[first], characters=table.facts.characters[first]),
        put_off=put_off,
        passed_over=frozenset(unit.get(item, item) for item in table.passed_over),
        clusters={},
    )


def codes_of(values: Iterable[str]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Distinct values in order of appearance, and each value's position among them."""
    known: dict[str, int] = {}
    codes = [known.setdefault(value, len(known)) for value in values]
    return tuple(known), np.array(codes, dtype=np.intp)


def column(values: Iterable[float], kind: DTypeLike) -> NDArray[Any]:
    return np.array(list(values), dtype=kind)
