"""Prediction-powered inference: people's win rate, made more precise by a judge that need not be right.

A model judge scores every prompt, people a random sample of them. On the sample the judge's error is seen and taken
off; so the estimate is of what *people* prefer and holds whatever the judge's bias, and the better the judge agrees
with them the narrower the interval. A judge that agrees with nobody gets no weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.distributions import t_quantile
from eval.evidence.estimates.winrate import Estimate, wilson, win_rate
from eval.evidence.sequential.e_process import ALPHA, Floats, fixed_bets, mixed

Flags = NDArray[np.bool_]

#: With fewer prompts judged by people, how far the judge is right cannot be told.
ENOUGH = 20
#: Weights that the judge may get in the sequential test, in equal parts; at 0 people are alone.
TRUST = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class PredictionPowered:
    """The prediction-powered win rate beside the one of people alone; n counts prompts that people judged."""

    estimate: Estimate
    people: Estimate
    #: Prompts that the judge scored, those of people among them.
    judged: int
    #: Weight of the judge, in [0, 1], by least variance ("power tuning").
    weight: float
    #: Prompts that people alone would have had to judge for the same precision, less those that they did judge.
    saved: int


def predicted_win_rate(human: Floats, judge: Floats, asked: Flags, *, confidence: float = 0.95) -> PredictionPowered:
    """PPI++ estimate of people's mean score (Angelopoulos, Duchi and Zrnic 2023), with the prompt as the unit.

    All have shape (prompts,): the mean score of the people, NaN where they were not asked or saw both answers as bad;
    the judge's score in [0, 1], NaN where it gave none (the prompt is then left out); and whether people were asked,
    which must have been drawn at random. Shares are over prompts with a preference or tie, so the estimate is a ratio:
    with D = 1 for such a prompt, x its score and h the judge's score less 1/2,

        estimate = (mean of D x over asked + w (mean of h over the others - mean of h over asked)) / mean of D

        variance = (var(D (x - estimate) - w h) / asked + w^2 var(h) / others) / (mean of D)^2

    and w in [0, 1] is the one of least variance. The interval is that of `win_rate` at this variance, with one degree
    of freedom less. Where the judge cannot help (no weight, no other prompts, fewer than `ENOUGH` scores) people are
    alone.
    """
    scored = ~np.isnan(judge)
    human, judge, asked = human[scored], judge[scored] - 0.5, asked[scored]
    preferred = ~np.isnan(human[asked])
    scores = human[asked][preferred]
    people = win_rate(scores, confidence=confidence)
    alone = PredictionPowered(people, people, len(judge), 0.0, 0)
    if len(scores) < ENOUGH or asked.all() or people.value is None:
        return alone
    residual = np.where(preferred, np.nan_to_num(human[asked]) - people.value, 0.0)
    weight = _weight(residual, judge[asked], judge[~asked])
    if weight == 0:
        return alone
    shift = weight * (judge[~asked].mean() - judge[asked].mean()) / preferred.mean()
    value = float(people.value + shift)
    left = np.where(preferred, np.nan_to_num(human[asked]) - value, 0.0)
    variance = _variance(left, judge[asked], judge[~asked], weight) / preferred.mean() ** 2
    before = _variance(residual, judge[asked], judge[~asked], 0.0) / preferred.mean() ** 2
    if not 0 < value < 1 or variance <= 0:
        return alone
    n = len(scores)
    critical = t_quantile((1 + confidence) / 2, n - 2)
    low, high = wilson(value, value * (1 - value) / variance, critical=critical)
    saved = max(0, round(n * (before / variance - 1)))
    return PredictionPowered(Estimate(value, low, high, n), people, len(judge), weight, saved)


def _weight(residual: Floats, asked: Floats, others: Floats) -> float:
    """The judge's weight of least variance, within [0, 1] (Angelopoulos, Duchi and Zrnic 2023, section 6)."""
    spread = float(np.concatenate([asked, others]).var())
    if spread == 0:
        return 0.0
    shared = float(np.cov(residual, asked)[0, 1])
    return float(np.clip(shared / (spread * (1 + len(asked) / len(others))), 0.0, 1.0))


def _variance(residual: Floats, asked: Floats, others: Floats, weight: float) -> float:
    """Variance of the estimate's numerator: both means are independent of each other."""
    rectified = float((residual - weight * asked).var(ddof=1)) / len(asked)
    spread = float(np.concatenate([asked, others]).var(ddof=1))
    return rectified + weight**2 * spread / len(others)


def predicted_log_wealth(
    human: Floats,
    judge: Floats,
    asked: Flags,
    probability: Floats,
    *,
    horizon: int,
    null: float = 0.5,
    alpha: float = ALPHA,
    trust: tuple[float, ...] = TRUST,
) -> Floats:
    """Log of the prediction-powered e-values after each prompt, against "people's mean score is at most `null`".

    All arrays have shape (..., prompts), the last axis in the order in which prompts were *drawn*, whether or not
    people were asked: `asked` was drawn with `probability` (in (0, 1], recorded beforehand, and not chosen by the
    judge's score). `human` is NaN where nobody was asked, or where all found both answers bad; `judge` is in [0, 1].
    Same shape is returned. Wealth is multiplied by 1 + b (Z - null) (Csillag, Struchiner and Goedert 2025) with

        Z = g + (asked / probability) (human - g),   g = null + trust (judge - null)

    averaged over bets and over `trust`; at 0 this is the test of people alone. Z can be as low as
    min g, or max g (1 - 1 / probability), and b is a share of the bet that would lose everything there, so wealth
    stays positive. A prompt without preference counts as `null`: it is evidence for nobody.
    """
    score = np.where(asked & ~np.isnan(human), human, null)
    paths = []
    for weight in trust:
        guess = null + weight * (judge - null)
        z = guess + np.where(asked, (score - guess) / probability, 0.0)
        lowest = np.minimum(null * (1 - weight), (null + weight * (1 - null)) * (1 - 1 / probability))
        room = null - lowest
        for bet in fixed_bets(_asked_prompts(horizon, probability), alpha=alpha):
            paths.append(np.cumsum(np.log1p(bet * (z - null) / room), axis=-1))
    return mixed(np.stack(paths))


def _asked_prompts(horizon: int, probability: Floats) -> int:
    """How many of the prompts people are expected to be asked: what the size of the bets goes by."""
    return max(1, round(horizon * float(np.mean(probability))))


def settled(asked: Flags, closed: Flags) -> int:
    """How many prompts, in the order in which they were drawn, come before the first that people still owe a verdict.

    Only these may move the wealth: a prompt that nobody is asked is settled at once, and counting those first would
    make the sample anything but random.
    """
    waiting = asked & ~closed
    return int(np.argmax(waiting)) if waiting.any() else len(asked)
