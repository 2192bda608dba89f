"""Conditions that a win rate rests on: each is fine, in doubt, or contradicted, with its figure.

The limits are ours, chosen so that careful people never reach them: somebody who picks at random gets a known answer
right, or a repeated pair alike, in half of all cases or fewer, and nobody reads two answers within a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from blindside.words import counted
from eval.evidence.estimates.counts import prompt_counts
from eval.evidence.estimates.winrate import Estimate
from eval.evidence.judgements import Judgements
from eval.evidence.reviewers.agreement import coefficients
from eval.evidence.reviewers.bias import length
from eval.evidence.reviewers.reviewers import Reviewer, reviewers
from eval.evidence.sequential.sequential import Progress

#: `open`: the study asked nothing that could show it.
State = Literal["fine", "doubt", "contradicted", "open"]

#: Shares of known answers right and of repeats alike: a doubt below the first, at or below the second mere chance.
RIGHT, CHANCE = 0.8, 0.5
#: With fewer such pairs a contradiction counts only as a doubt.
ENOUGH = 5
#: Krippendorff's alpha below which reviewers hardly agree.
AGREEMENT = 0.2
#: Median seconds below which nobody can have read two answers, and below which it is doubtful.
UNREAD, HASTY = 1.0, 2.0


@dataclass(frozen=True)
class Condition:
    """One thing that a claim rests on. `but`: how a headline says that it does not hold; `where` has more of it."""

    name: str
    state: State
    figure: str
    but: str
    where: str


def conditions(table: Judgements, progress: Progress) -> tuple[Condition, ...]:
    """What the figures of a run say of its claim, in the order of a report; `skips` comes last."""
    people = reviewers(table)
    return (
        _length(table, progress.null),
        _one_reviewer(people.rows, people.decisive, progress.null),
        _checked(people.rows, "gold"),
        _checked(people.rows, "repeats"),
        _agreement(table),
        _speed(table),
        _early_late(progress),
    )


def _length(table: Judgements, null: float) -> Condition:
    name, where = "equal length", "report.html#length"
    rate = length(table).controlled
    if rate.value is None or rate.low is None:
        return Condition(name, "open", "insufficient", "", where)
    figure, raw = _share(rate), length(table).raw
    state: State = "contradicted" if rate.value <= null else "doubt" if rate.low <= null else "fine"
    if raw.value is None or raw.value <= null:
        state = "doubt" if rate.value > null else "fine"
    but = "not at equal length" if state == "contradicted" else "at equal length not distinguishable"
    return Condition(name, state, figure, f"{but} ({figure})", where)


def _one_reviewer(rows: tuple[Reviewer, ...], decisive: tuple[str, ...], null: float) -> Condition:
    name, where = "without any one reviewer", "report.html#reviewers"
    judged = [row for row in rows if row.judgements]
    if len(judged) < 2:
        return Condition(
            name, "open" if not judged else "doubt", f"{len(judged)} reviewer", "only one person judged", where
        )
    worst = min(judged, key=lambda row: row.without.value if row.without.value is not None else 1.0)
    if all(row.without.value is None for row in judged):
        return Condition(name, "open", "insufficient", "", where)
    figure = f"without {worst.name} {_share(worst.without)}"
    if worst.without.value is not None and worst.without.value <= null and worst.name in decisive:
        return Condition(name, "contradicted", figure, f"not {figure}", where)
    if decisive:
        sentence = f"the conclusion depends on one reviewer: without {' or '.join(decisive)} it changes"
        return Condition(name, "doubt", figure, sentence, where)
    return Condition(name, "fine", figure, "", where)


def _checked(rows: tuple[Reviewer, ...], what: Literal["gold", "repeats"]) -> Condition:
    name = {"gold": "known answers right", "repeats": "repeats alike"}[what]
    shares: list[Estimate] = [getattr(row, what) for row in rows]
    n = sum(one.n for one in shares)
    if not n:
        return Condition(name, "open", "none asked", "", "by_reviewer.csv")
    right = round(sum((one.value or 0.0) * one.n for one in shares))
    state: State = "fine" if right / n >= RIGHT else "doubt"
    if right / n <= CHANCE and n >= ENOUGH:
        state = "contradicted"
    figure = f"{right} of {n}, {right / n:.0%}"
    but = "known answers were judged right" if what == "gold" else "repeated pairs were judged alike"
    return Condition(name, state, figure, f"only {right / n:.0%} of {n} {but}", "by_reviewer.csv")


def _agreement(table: Judgements) -> Condition:
    name, where = "agreement", "report.html#agreement"
    alpha = coefficients(prompt_counts(table.item, table.outcome, len(table.items)).per_prompt).alpha
    if alpha.value is None:
        return Condition(name, "open", "undefined", "", where)
    figure = f"alpha {alpha.value:.2f}, n={alpha.n}"
    state: State = "fine" if alpha.value >= AGREEMENT else "doubt"
    if alpha.high is not None and alpha.high <= 0:
        state = "contradicted"
    return Condition(name, state, figure, f"reviewers hardly agree ({figure})", where)


def _speed(table: Judgements) -> Condition:
    name, where = "speed", "by_reviewer.csv"
    seconds = table.seconds[~np.isnan(table.seconds)]
    if not seconds.any():
        return Condition(name, "open", "not recorded", "", where)
    middle = float(np.median(seconds))
    state: State = "contradicted" if middle < UNREAD else "doubt" if middle < HASTY else "fine"
    figure = f"median {middle:.1f} s"
    return Condition(name, state, figure, f"half of the verdicts were given within {middle:.1f} s", where)


def _early_late(progress: Progress) -> Condition:
    name, where = "early against late", "report.html#place"
    late, early = progress.halves.first, progress.halves.second
    if late.value is None or early.value is None:
        return Condition(name, "open", "insufficient", "", where)
    figure = f"{early.value:.1%} early, {late.value:.1%} late"
    state: State = "contradicted" if progress.drifted else "doubt" if progress.apart else "fine"
    but = "early and late verdicts contradict each other" if progress.drifted else "early and late verdicts differ"
    return Condition(name, state, figure, f"{but} ({figure})", where)


def skips(table: Judgements, plan: Mapping[str, int], null: float, worst: Estimate) -> Condition:
    """Whether the claim would stand if everything that somebody skipped went to base. `worst`: the win rate then."""
    name, where = "skips", "report.md"
    n = sum(item in plan for item in table.passed_over)
    if not n:
        return Condition(name, "fine", "none", "", where)
    figure = f"{counted(n, 'prompt')}; {_share(worst)} if all went to base"
    if worst.value is None or worst.value <= null:
        return Condition(name, "contradicted", figure, f"not if the {counted(n, 'skipped prompt')} went to base", where)
    state: State = "fine" if worst.low is not None and worst.low > null else "doubt"
    return Condition(name, state, figure, f"{counted(n, 'prompt was', 'prompts were')} skipped", where)


def objections(states: tuple[Condition, ...], state: State) -> Iterator[str]:
    """How a headline says of each condition in this state that it does not hold."""
    return (one.but for one in states if one.state == state)


def _share(rate: Estimate) -> str:
    if rate.value is None:
        return "insufficient"
    return f"{rate.value:.1%}" + ("" if rate.low is None else f", {rate.low:.1%} to {rate.high:.1%}")
