"""The win rate: how often people preferred the tuned model, ties counting half, with the prompt as the unit.

Several verdicts on one prompt are not independent: each prompt is first averaged over its verdicts, and prompts are
then the sample. `both_bad` says nothing of preference and does not enter; it is reported apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.distributions import fair_coin_two_sided, t_quantile
from eval.evidence.judgements import BOTH_BAD, TIE, Judgements, prompt_means


@dataclass(frozen=True)
class Estimate:
    """A share in [0, 1] over n prompts, with its interval; None where the data cannot carry one."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def sufficient(self) -> bool:
        return self.low is not None


@dataclass(frozen=True)
class SignTest:
    """Prompts won by each side's majority, and the exact two-sided p-value; None where no prompt was decided."""

    tuned: int
    base: int
    p_value: float | None


def prompt_scores(table: Judgements, *, ties: bool = True) -> NDArray[np.float64]:
    """Per prompt, the mean score of its verdicts: tuned 1, tie 1/2, base 0. Shape (prompts with such a verdict,).

    With `ties=False` ties are left out as well as both_bad.
    """
    score = table.score if ties else np.where(table.outcome == TIE, np.nan, table.score)
    means = prompt_means(table.item, score, len(table.items))
    return means[~np.isnan(means)]


def both_bad_shares(table: Judgements) -> NDArray[np.float64]:
    """Per judged prompt, the share of its verdicts that found both answers bad. Shape (judged prompts,)."""
    means = prompt_means(table.item, (table.outcome == BOTH_BAD).astype(np.float64), len(table.items))
    return means[~np.isnan(means)]


def win_rate(scores: NDArray[np.float64], *, confidence: float = 0.95) -> Estimate:
    """Mean of per-prompt scores with a Wilson interval (Wilson 1927) at the effective number of prompts.

    The variance of the mean is the one between prompts, s²/n, so it holds what reviewers of one prompt share. The
    effective number is the one at which a binomial share would have that variance, p(1-p)/(s²/n), as in survey
    sampling (Korn and Graubard 1998). Where all prompts score alike s² is 0 and says nothing: n itself is used, so
    that five wins of five do not become a certainty. Fewer than two prompts carry no interval.
    """
    n = len(scores)
    if n == 0:
        return Estimate(None, None, None, 0)
    p = float(scores.mean())
    if n < 2:
        return Estimate(p, None, None, n)
    variance = float(scores.var(ddof=1)) / n
    spread = p * (1 - p)
    effective = spread / variance if variance > 0 and spread > 0 else float(n)
    low, high = wilson(p, effective, critical=t_quantile((1 + confidence) / 2, n - 1))
    return Estimate(p, low, high, n)


def detectable(
    scores: NDArray[np.float64], *, null: float = 0.5, power: float = 0.8, confidence: float = 0.95
) -> float | None:
    """The smallest true win rate above `null` that as many prompts as `scores` would show with one look, at this power.

    `scores` as in `win_rate`, whose spread is taken for that of any rate (1/4 where they are all alike); Student's t
    for both quantiles (Julious 2004). None with fewer than two prompts, and where not even 100% would do.
    """
    n = len(scores)
    if n < 2:
        return None
    spread = float(scores.var(ddof=1)) or 0.25
    found = null + (t_quantile((1 + confidence) / 2, n - 1) + t_quantile(power, n - 1)) * float(np.sqrt(spread / n))
    return found if found < 1 else None


def wilson(p: float, n: float, *, critical: float) -> tuple[float, float]:
    """Wilson's score interval for a share p of n trials at the given critical value, within [0, 1]."""
    scale = critical**2 / n
    centre = (p + scale / 2) / (1 + scale)
    half = np.sqrt(p * (1 - p) * scale + scale**2 / 4) / (1 + scale)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def with_identical(scores: NDArray[np.float64], identical: int) -> NDArray[np.float64]:
    """The scores together with the prompts that both models answered alike, each a tie by itself.

    Where nobody judged anything there is still no number: ties that nobody saw are no finding.
    """
    return np.concatenate([scores, np.full(identical if len(scores) else 0, 0.5)])


def sign_test(scores: NDArray[np.float64]) -> SignTest:
    """Exact sign test (binomial, 1/2) on the prompts whose majority is for one side; even ones are left out."""
    tuned, base = int(np.count_nonzero(scores > 0.5)), int(np.count_nonzero(scores < 0.5))
    p_value = fair_coin_two_sided(tuned, tuned + base) if tuned + base else None
    return SignTest(tuned, base, p_value)
