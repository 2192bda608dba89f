"""Whether a study may stop now, and if not, about how many judgements are missing.

Wealth (sequential.e_process) moves only when a prompt is closed, that is, has its planned number of reviewers. Moved
at every verdict it would take the second opinion on a prompt for news about the models, and err twice as often as
promised. The order is that in which prompts closed; it must have nothing to do with which side is better,
which is so when prompts are asked in a random order.

Skips go with outcome, so a skipped prompt takes the place in which it was first put off, and counts as a loss until it
is judged: whoever leaves out what the tuned model loses gains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from blindside.words import counted
from eval.evidence.estimates.contrast import Contrast, contrast
from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.evidence.judgements import Judgements
from eval.evidence.sequential.e_process import ALPHA, Floats, confidence_sequence, fixed_bets, growth, log_wealth

Codes = NDArray[np.intp]

#: What the test says now. `weaker`: shown at some look, and the interval of all that is closed now holds the bound
#: again. `contradicted`: shown at some look, and all that is closed now lies at or below the bound.
State = Literal["shown", "weaker", "contradicted", "refuted", "open", "not shown"]

#: With fewer closed prompts the rate of growth is too uncertain to be told.
ENOUGH_FOR_A_RATE = 10
#: With fewer prompts in either half, early and late are not compared.
ENOUGH_FOR_HALVES = 10


@dataclass(frozen=True)
class ClosedPrompts:
    """The prompts that have their planned number of verdicts or were skipped, in the order in which they came."""

    #: Mean score of each closed prompt that has a preference or tie, and 0 for a skipped one. Shape (entered,).
    scores: Floats
    #: Which of them are skipped and not judged yet. Shape (entered,).
    skipped: NDArray[np.bool_]
    closed: int
    #: Prompts with some verdicts, but fewer than planned; and how many verdicts those have.
    begun: int
    waiting: int
    #: Mean planned verdicts of the prompts that may still close (of all, where none is left).
    per_prompt: float

    @property
    def best(self) -> Floats:
        """As `scores`, with 1 for a skipped prompt: the worst for the base."""
        return np.asarray(np.where(self.skipped, 1.0, self.scores), dtype=np.float64)


@dataclass(frozen=True)
class Progress:
    """Where an anytime-valid test stands. Logs are natural; `threshold` is what the log of the highest must reach."""

    null: float
    alpha: float
    #: Prompts that count: closed ones with a score, and skipped ones.
    n: int
    skipped: int
    horizon: int
    log_e: float
    log_highest: float
    threshold: float
    #: After how many prompts wealth first reached the threshold; None where it never did.
    first: int | None
    #: Mean score of the prompts that count, with its interval for one look at 1 - alpha.
    estimate: Estimate
    #: Nats per prompt of the best bet so far; None while that is too uncertain.
    growth: float | None
    #: 1 - alpha confidence sequence of the mean score.
    low: float
    high: float
    #: Late half of the prompts against the early half.
    halves: Contrast
    #: Judgements missing at the present rate: 0 if none, None where the rate leads nowhere or cannot be told.
    more: int | None
    #: Judgements that the plan still holds.
    left: int | None

    @property
    def state(self) -> State:
        """A claim needs three things: shown at some look, supported by all that is in now, and not refuted."""
        value, low = self.estimate.value, self.estimate.low
        refuted = self.high < self.null
        if self.first is None:
            return "refuted" if refuted else "open" if self.left is None or self.left else "not shown"
        if refuted or value is None or value <= self.null:
            return "contradicted"
        return "shown" if low is not None and low > self.null else "weaker"

    @property
    def stop(self) -> bool:
        return self.state == "shown"

    @property
    def early(self) -> int | None:
        """After how many prompts a study stopped that its plan would have gone on with; None where it did not."""
        return self.n if self.stop and self.left else None

    @property
    def apart(self) -> bool:
        """Whether early and late prompts differ: the interval of the difference leaves 0 out."""
        difference = self.halves.difference
        if difference.low is None or difference.high is None:
            # Where neither half varies there is no interval: won throughout, then lost throughout.
            return bool(difference.value)
        return difference.low > 0 or difference.high < 0

    @property
    def drifted(self) -> bool:
        """Whether early and late prompts contradict each other: they differ, and lie on two sides of the bound."""
        values = (self.halves.first.value, self.halves.second.value)
        return self.apart and min(value for value in values if value is not None) <= self.null

    @property
    def p_value(self) -> float:
        """Valid at any time: the smallest level at which the test would have stopped by now."""
        return float(self.alpha * np.exp(self.threshold - self.log_highest)) if self.log_highest > 0 else 1.0

    @property
    def in_words(self) -> str:
        """What to do next, as half a sentence: the same words in terminal, report, results and gate."""
        shown = f"shown after {counted(self.first or 0, 'prompt')}"
        if self.state == "shown":
            return shown if self.left == 0 else f"{shown}; you may stop now"
        if self.state == "contradicted":
            return f"{shown}, contradicted since"
        if self.state == "weaker":
            what = "judge the rest of the plan" if self.left or self.left is None else "not shown by all of them"
            return f"{shown}, weaker since: {what}"
        if self.state == "refuted":
            return f"refuted: the win rate lies below {self.null:.0%}"
        if self.state == "not shown":
            return "every planned judgement is given, and it is not shown"
        return self._to_go

    @property
    def _to_go(self) -> str:
        if self.growth is None:
            closed = counted(self.n, "prompt is", "prompts are")
            return f"too early to say: {closed} closed, {ENOUGH_FOR_A_RATE} are needed for a rate"
        if self.more is None:
            return "not at the present rate"
        sentence = f"about {counted(self.more, 'more judgement')} at the present rate"
        if self.left is not None and self.more > self.left:
            return f"{sentence}, and the plan holds {self.left:,}"
        return sentence


def closed_prompts(item: Codes, score: Floats, planned: Codes, put_off: Floats | None = None) -> ClosedPrompts:
    """Which prompts are closed, from n verdicts in the order in which they were given.

    `item` and `score` have shape (n,): the prompt's code, and 1, 1/2, 0 or NaN (`both_bad`, which counts as a verdict
    and says nothing of preference). `planned` has shape (prompts,): the reviewers that the plan gives each prompt, 0
    for one that is not asked. Verdicts beyond the plan do not count: a prompt's score is settled when it closes.
    `put_off`, shape (prompts,): how many of the verdicts had been given when a prompt was first skipped, infinite for
    one that never was. That is its place, also when it is judged later: closing order alone would let the prompts that
    nobody puts off come first.
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
    place = np.full(len(planned), np.inf)
    closing = (rank == planned[codes] - 1) & done[codes]
    place[codes[closing]] = order[closing]
    open_ones = (planned > 0) & ~done
    skipped = np.zeros(len(planned), dtype=np.bool_)
    if put_off is not None:
        skipped = open_ones & np.isfinite(put_off)
        place = np.where(planned > 0, np.minimum(place, put_off - 0.5), np.inf)
    enters = (done & (number > 0)) | skipped
    in_time = np.flatnonzero(enters)[np.argsort(place[enters], kind="stable")]
    scores = np.where(skipped, 0.0, total / np.maximum(number, 1))
    return ClosedPrompts(
        scores=np.asarray(scores[in_time], dtype=np.float64),
        skipped=skipped[in_time],
        closed=int(done.sum()),
        begun=int((open_ones & (judged > 0)).sum()),
        waiting=int(judged[open_ones].sum()),
        per_prompt=_mean_planned(planned, open_ones),
    )


def closed_in(table: Judgements, planned: Mapping[str, int]) -> ClosedPrompts:
    """As `closed_prompts`, from a table and the frozen plan: item -> reviewers, also of unjudged items.

    An item that was judged without being planned does not count.
    """
    unjudged = sorted(planned.keys() - set(table.items))
    items = (*table.items, *unjudged)
    counts = np.array([planned.get(item, 0) for item in items], dtype=np.intp)
    put_off = np.array([table.put_off.get(item, np.inf) for item in items], dtype=np.float64)
    return closed_prompts(table.item, table.score, counts, put_off)


def _mean_planned(planned: Codes, open_ones: NDArray[np.bool_]) -> float:
    for some in (open_ones, planned > 0):
        if some.any():
            return float(planned[some].mean())
    return 1.0


def progress(
    closed: ClosedPrompts, *, horizon: int, null: float = 0.5, alpha: float = ALPHA, left: int | None = None
) -> Progress:
    """The test of "the mean score is at most `null`": superiority at 1/2, non-inferiority at 1/2 - margin.

    `horizon` is the number of prompts that the study holds, fixed before judging; `left` the judgements it still
    holds.
    """
    scores, n = closed.scores, len(closed.scores)
    bets, threshold = fixed_bets(horizon, alpha=alpha), float(np.log(1 / alpha))
    path = log_wealth(scores, null, bets) if n else np.zeros(1)
    reached = np.flatnonzero(path >= threshold)
    highest, log_e = max(0.0, float(path.max())), float(path[-1])
    rate = growth(scores, null, bets) if n >= ENOUGH_FOR_A_RATE else None
    low, high = confidence_sequence(scores, bets, alpha=alpha, best=closed.best)
    return Progress(
        null=null,
        alpha=alpha,
        n=n,
        skipped=int(closed.skipped.sum()),
        horizon=horizon,
        log_e=log_e,
        log_highest=highest,
        threshold=threshold,
        first=int(reached[0]) + 1 if n and len(reached) else None,
        estimate=win_rate(scores, confidence=1 - alpha),
        growth=rate,
        low=low,
        high=high,
        halves=_halves(scores[~closed.skipped], alpha),
        more=0 if highest >= threshold else _more(threshold - log_e, rate, closed),
        left=left,
    )


def _halves(scores: Floats, alpha: float) -> Contrast:
    """The later half of the prompts (`first`) against the earlier one (`second`), Student's t over prompts."""
    n = len(scores)
    if n < 2 * ENOUGH_FOR_HALVES:
        return contrast(np.zeros(0, dtype=np.intp), np.zeros(0), np.zeros(0, dtype=np.bool_), 0)
    return contrast(np.arange(n), scores, np.arange(n) >= n // 2, n, confidence=1 - alpha)


def _more(missing: float, rate: float | None, closed: ClosedPrompts) -> int | None:
    """Judgements until `missing` nats are gained, to two significant digits; verdicts on open prompts count already."""
    if rate is None or rate <= 0 or not closed.closed:
        return None
    per_closed = min(1.0, len(closed.scores) / closed.closed)
    prompts = missing / (rate * per_closed)
    needed = max(1.0, prompts * closed.per_prompt - closed.waiting)
    digits = max(0, int(np.floor(np.log10(needed))) - 1)
    return int(np.ceil(needed / 10**digits) * 10**digits)
