"""Whether a study may stop now, and if not, about how many judgements are missing.

Wealth (eval.evidence.betting) moves only when a prompt is closed, that is, has its planned number of reviewers. Moved
at every verdict it would take the second opinion on a prompt for news about the models, and err twice as often as
promised. The order is that in which prompts closed; it must have nothing to do with which side is better,
which is so when prompts are asked in a random order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eval.evidence.betting import ALPHA, Floats, confidence_sequence, fixed_bets, growth, log_wealth
from eval.evidence.table import Table

Codes = NDArray[np.intp]
#: What is to be shown of the mean score: above the null, below it, or not equal to it.
Direction = Literal["greater", "less", "either"]

#: With fewer closed prompts the rate of growth is too uncertain to be told.
ENOUGH_FOR_A_RATE = 10


@dataclass(frozen=True)
class Closed:
    """The prompts that have their planned number of verdicts, in the order in which they closed."""

    #: Mean score of each closed prompt that has a preference or tie, shape (closed with a score,).
    scores: Floats
    closed: int
    #: Prompts with some verdicts, but fewer than planned; and how many verdicts those have.
    begun: int
    waiting: int
    #: Mean planned verdicts of the prompts that may still close (of all, where none is left).
    per_prompt: float


@dataclass(frozen=True)
class Progress:
    """Where an anytime-valid test stands. Logs are natural; `threshold` is what the log of the highest must reach."""

    direction: Direction
    null: float
    alpha: float
    n: int
    log_e: float
    log_highest: float
    threshold: float
    #: Nats per prompt of the best bet so far; None while that is too uncertain.
    growth: float | None
    #: 1 - alpha confidence sequence of the mean score.
    low: float
    high: float
    #: Judgements missing at the present rate: 0 if none, None where the rate leads nowhere or cannot be told.
    more: int | None
    #: Judgements that the plan still holds.
    left: int | None

    @property
    def stop(self) -> bool:
        return self.log_highest >= self.threshold

    @property
    def p_value(self) -> float:
        """Valid at any time: the smallest level at which the test would have stopped by now."""
        return float(self.alpha * np.exp(self.threshold - self.log_highest)) if self.log_highest > 0 else 1.0

    @property
    def in_words(self) -> str:
        """What to do next, as half a sentence."""
        if self.stop:
            return "you may stop now"
        if self.growth is None:
            return f"too early to say: {self.n} prompts are closed, {ENOUGH_FOR_A_RATE} are needed for a rate"
        if self.more is None:
            return "not at the present rate"
        said = f"about {self.more:,} more judgements at the present rate"
        if self.left is not None and self.more > self.left:
            return f"{said}, and the plan holds {self.left:,}"
        return said


def closed_prompts(item: Codes, score: Floats, planned: Codes) -> Closed:
    """Which prompts are closed, from n verdicts in the order in which they were given.

    `item` and `score` have shape (n,): the prompt's code, and 1, 1/2, 0 or NaN (`both_bad`, which counts as a verdict
    and says nothing of preference). `planned` has shape (prompts,): the reviewers that the plan gives each prompt, 0
    for one that is not asked. Verdicts beyond the plan do not count: a prompt's score is settled when it closes.
    """
    order = np.argsort(item, kind="stable")
    codes = item[order]
    begins = np.searchsorted(codes, np.arange(len(planned)))
    rank = np.arange(len(codes)) - begins[codes]
    judged = np.bincount(item, minlength=len(planned))
    done = (judged >= planned) & (planned > 0)
    counts = (rank < planned[codes]) & done[codes] & ~np.isnan(score[order])
    total = np.bincount(codes[counts], weights=score[order][counts], minlength=len(planned))
    number = np.bincount(codes[counts], minlength=len(planned))
    at = order[(rank == planned[codes] - 1) & done[codes]]
    in_time = item[np.sort(at)]
    in_time = in_time[number[in_time] > 0]
    open_ones = (planned > 0) & ~done
    return Closed(
        scores=np.asarray(total[in_time] / number[in_time], dtype=np.float64),
        closed=int(done.sum()),
        begun=int((open_ones & (judged > 0)).sum()),
        waiting=int(judged[open_ones].sum()),
        per_prompt=_mean_planned(planned, open_ones),
    )


def closed_in(table: Table, planned: Mapping[str, int]) -> Closed:
    """As `closed_prompts`, from a table and eval.judge.assignment's plan: item -> reviewers, also of unjudged items.

    An item that was judged without being planned counts with its first verdict.
    """
    unjudged = sorted(planned.keys() - set(table.items))
    counts = [planned.get(item, 1) for item in (*table.items, *unjudged)]
    return closed_prompts(table.item, table.score, np.array(counts, dtype=np.intp))


def _mean_planned(planned: Codes, open_ones: NDArray[np.bool_]) -> float:
    for some in (open_ones, planned > 0):
        if some.any():
            return float(planned[some].mean())
    return 1.0


def progress(
    closed: Closed,
    *,
    horizon: int,
    null: float = 0.5,
    direction: Direction = "greater",
    alpha: float = ALPHA,
    left: int | None = None,
) -> Progress:
    """The test of a mean score of `null`: superiority at 1/2, non-inferiority at 1/2 - margin ("greater").

    `horizon` is the number of prompts that the study holds, fixed before judging; `left` the judgements it still
    holds. "either" tests both sides at alpha / 2 each, and stops exactly when the confidence sequence leaves `null`
    out.
    """
    scores = closed.scores
    bets = fixed_bets(horizon, alpha=alpha)
    sides = {"greater": (scores, null), "less": (1 - scores, 1 - null)}
    asked = [sides[direction]] if direction != "either" else list(sides.values())
    threshold = float(np.log(len(asked) / alpha))
    paths = [log_wealth(values, at, bets) for values, at in asked] if len(scores) else [np.zeros(1)] * len(asked)
    lead = int(np.argmax([path[-1] for path in paths]))
    highest = max(0.0, *(float(path.max()) for path in paths))
    rate = growth(*asked[lead], bets) if len(scores) >= ENOUGH_FOR_A_RATE else None
    log_e = float(paths[lead][-1])
    more = 0 if highest >= threshold else _more(threshold - log_e, rate, closed)
    low, high = confidence_sequence(scores, bets, alpha=alpha)
    return Progress(direction, null, alpha, len(scores), log_e, highest, threshold, rate, low, high, more, left)


def _more(missing: float, rate: float | None, closed: Closed) -> int | None:
    """Judgements until `missing` nats are gained, to two significant digits; verdicts on open prompts count already."""
    if rate is None or rate <= 0:
        return None
    per_closed = len(closed.scores) / closed.closed
    prompts = missing / (rate * per_closed)
    needed = max(1.0, prompts * closed.per_prompt - closed.waiting)
    digits = max(0, int(np.floor(np.log10(needed))) - 1)
    return int(np.ceil(needed / 10**digits) * 10**digits)
