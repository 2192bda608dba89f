"""Bias: whether position, length, order in the session or speed moved the verdicts, beyond the answers' quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.bootstrap import SignedEstimate
from eval.evidence.estimates.contrast import Contrast, contrast
from eval.evidence.estimates.distributions import t_quantile, t_two_sided
from eval.evidence.estimates.logistic import fit_logistic
from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.evidence.judgements import TUNED, Judgements, prompt_means

Floats = NDArray[np.float64]

#: Where the bins of length lie: the tuned answer's characters over the base answer's.
EDGES = (0.0, 0.5, 0.8, 1.25, 2.0, np.inf)
#: Share of the prompts that must lie on either side of equal length, or at it.
EITHER_SIDE = 0.1
LABELS = ("at most half as long", "shorter", "about as long", "longer", "at least twice as long")


@dataclass(frozen=True)
class Bin:
    """Prompts whose tuned answer has `low` to `high` times as many characters as the base's (infinite at the end)."""

    label: str
    low: float
    high: float
    win_rate: Estimate


@dataclass(frozen=True)
class Length:
    """What length has to do with the verdicts.

    `controlled` is the win rate expected of answers of equal length; insufficient where hardly any tuned answers are as
    long as the base's or longer, or hardly any as long or shorter, so that it would go beyond the data. `effect` is the
    slope of its log-odds over the bounded log-ratio of lengths: above 0, longer answers win.
    """

    raw: Estimate
    controlled: Estimate
    effect: SignedEstimate
    p_value: float | None
    #: Of the prompts whose answers differ in length, how often (ties one half) the longer one won.
    longer: Estimate
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Bias:
    """Each contrast is of win rates, or of shares of left where it says so."""

    #: Of the judgements for one side, how often the answer on the left won, a prompt counting once.
    left: Estimate
    #: Win rate where the tuned answer stood left, and where it stood right.
    places: Contrast
    length: Length
    #: Win rate in the second half of each reviewer's judgements, and in the first.
    late: Contrast
    #: Win rate where a reviewer was faster than their own median, and where not.
    fast: Contrast


def bias(table: Judgements) -> Bias:
    """The whole audit. Every interval has the prompt as its unit; a difference near 0, narrowly, is good news."""
    prompts, score = len(table.items), table.score
    placed = np.where(table.left >= 0, score, np.nan)
    left = np.where(table.decided & (table.left >= 0), (table.outcome == table.left).astype(np.float64), np.nan)
    timed = np.where(np.isnan(table.seconds), np.nan, score)
    judged = np.bincount(table.reviewer, minlength=len(table.reviewers))
    late = table.position >= judged[table.reviewer] / 2
    return Bias(
        left=win_rate(_present(prompt_means(table.item, left, prompts))),
        places=contrast(table.item, placed, table.left == TUNED, prompts),
        length=length(table),
        late=contrast(table.item, score, late, prompts),
        fast=contrast(table.item, timed, table.seconds < _medians(table)[table.reviewer], prompts),
    )


def length(table: Judgements) -> Length:
    """The win rate as it is, and as a logistic model expects it where both answers are equally long.

    As in length-controlled AlpacaEval (Dubois and others 2024) the log-odds are linear in a bounded difference of
    lengths: tanh(d / s), d the log-ratio of characters (one added to each), s its root mean square. The mean score of a
    prompt is one row, so errors are clustered by prompt (see `fit_logistic`); t with n - 2 degrees of freedom. With
    fewer than `EITHER_SIDE` of the prompts on one side of equal length the line is not read off there.
    """
    means = prompt_means(table.item, table.score, len(table.items))
    item, score = np.flatnonzero(~np.isnan(means)), _present(means)
    ratio = _log_ratio(table)[item]
    longer, beyond = ratio != 0, _beyond(ratio)
    unknown = Estimate(None, None, None, len(score)), SignedEstimate(None, None, None, len(score)), None
    return Length(
        win_rate(score),
        *(unknown if beyond else _controlled(score, ratio)),
        longer=win_rate(np.where(ratio > 0, score, 1 - score)[longer]),
        bins=_bins(score, _ratio(table)[item]),
    )


def _beyond(ratio: Floats) -> bool:
    return bool(len(ratio)) and min(float((ratio >= 0).mean()), float((ratio <= 0).mean())) < EITHER_SIDE


def _controlled(score: Floats, ratio: Floats) -> tuple[Estimate, SignedEstimate, float | None]:
    """Win rate at equal length, slope, and its p-value; the rate as it is where all lengths are equal already."""
    n = len(score)
    if not ratio.any():
        return win_rate(score), SignedEstimate(None, None, None, n), None
    bounded = np.tanh(ratio / np.sqrt((ratio**2).mean()))
    fit = fit_logistic(np.column_stack([np.ones(n), bounded]), score)
    if fit is None:
        return Estimate(None, None, None, n), SignedEstimate(None, None, None, n), None
    critical = t_quantile(0.975, n - 2)
    (at, slope), errors = fit.coefficients, np.sqrt(np.diag(fit.covariance))
    if errors.min() <= 0:
        return Estimate(_share(at), None, None, n), SignedEstimate(float(slope), None, None, n), None
    low, high = at - critical * errors[0], at + critical * errors[0]
    effect = SignedEstimate(float(slope), float(slope - critical * errors[1]), float(slope + critical * errors[1]), n)
    p_value = t_two_sided(slope / errors[1], n - 2)
    return Estimate(_share(at), _share(low), _share(high), n), effect, p_value


def _share(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


def _bins(score: Floats, ratio: Floats) -> tuple[Bin, ...]:
    """Edges belong to the outer bins, but for equal lengths in the middle: half as long is "at most half"."""
    inner = EDGES[1:-1]
    code = np.where(ratio < 1, np.searchsorted(inner, ratio, "left"), np.searchsorted(inner, ratio, "right"))
    return tuple(
        Bin(label, EDGES[number], EDGES[number + 1], win_rate(score[code == number]))
        for number, label in enumerate(LABELS)
    )


def _ratio(table: Judgements) -> Floats:
    """Characters of the tuned answer over those of the base's, one added to each. Shape (items,)."""
    lengths = table.facts.characters + 1.0
    return np.asarray(lengths[:, 1] / lengths[:, 0], dtype=np.float64)


def _log_ratio(table: Judgements) -> Floats:
    return np.asarray(np.log(_ratio(table)), dtype=np.float64)


def _present(means: Floats) -> Floats:
    return means[~np.isnan(means)]


def _medians(table: Judgements) -> Floats:
    """Median seconds of each reviewer, of those that are known; 0 for one without. Shape (reviewers,)."""
    timed = ~np.isnan(table.seconds)
    reviewer, seconds = table.reviewer[timed], table.seconds[timed]
    order = np.lexsort((seconds, reviewer))
    count = np.bincount(reviewer, minlength=len(table.reviewers))
    ordered, begins = np.append(seconds[order], 0.0), np.cumsum(count) - count
    count = np.maximum(count, 1)
    middle = ordered[begins + (count - 1) // 2] + ordered[begins + count // 2]
    return np.asarray(middle / 2, dtype=np.float64)
