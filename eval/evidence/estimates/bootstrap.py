"""Resampling over prompts: intervals by cluster bootstrap, and the sign-flip test, seeded and fast.

Both draw whole prompts, so whatever the verdicts on one prompt share is drawn with them. Prompts that score alike are
exchangeable, so a draw needs only how many of each kind it holds: a multinomial (bootstrap) or binomial (sign flips)
count over the distinct scores. That is the same distribution as drawing prompt by prompt, at a cost that does not grow
with their number, and the order of prompts does not change the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.distributions import normal_below, t_quantile
from eval.evidence.estimates.winrate import Estimate, wilson

Floats = NDArray[np.float64]

DRAWS = 2000
#: More distinct rows than this are drawn one by one: a multinomial over so many would be slower.
_FEW = 512
#: Numbers held at once while drawing (times 8 bytes, a few arrays).
_CHUNK = 4_000_000
_CLOSE = 1e-9


@dataclass(frozen=True)
class SignedEstimate:
    """A number that may be negative, over n prompts, with its 95% interval; None where the data cannot carry one."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class SignFlip:
    """Two-sided p-value of the sign-flip test over n prompts, against no difference."""

    p_value: float | None
    n: int


def bootstrap(
    numerator: Floats,
    denominator: Floats | None = None,
    *,
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Estimate:
    """Sum of `numerator` over sum of `denominator` (ones if not given), interval by resampling prompts.

    Both have shape (prompts,), numerator within [0, denominator]. Prompts whose denominator is 0 do not count in n.
    Percentiles are widened for few prompts (Hesterberg 2015, "expanded percentile"), as Student's t is against the
    normal. Where every prompt scores alike resampling shows no spread; the interval is then Wilson's at n, so that
    five wins of five are no certainty. Fewer than two prompts carry no interval.
    """
    below = np.ones_like(numerator) if denominator is None else denominator
    n = int(np.count_nonzero(below))
    if n == 0:
        return Estimate(None, None, None, 0)
    value = float(numerator.sum() / below.sum())
    if n < 2:
        return Estimate(value, None, None, n)
    drawn = _drawn_ratios(numerator, below, draws=draws, seed=seed)
    low, high = (float(q) for q in np.quantile(drawn, _levels(n, confidence)))
    if high - low < _CLOSE:
        low, high = wilson(value, n, critical=t_quantile((1 + confidence) / 2, n - 1))
    return Estimate(value, low, high, n)


def signed_bootstrap(values: Floats, *, confidence: float = 0.95, draws: int = DRAWS, seed: int = 0) -> SignedEstimate:
    """Mean of values in [-1, 1], shape (prompts,), with the interval of `bootstrap`."""
    found = bootstrap((values + 1) / 2, confidence=confidence, draws=draws, seed=seed)
    value, low, high = (None if share is None else 2 * share - 1 for share in (found.value, found.low, found.high))
    return SignedEstimate(value, low, high, found.n)


def net_wins(scores: Floats, *, confidence: float = 0.95, draws: int = DRAWS, seed: int = 0) -> SignedEstimate:
    """Prompts won by tuned minus prompts won by base (majorities; even prompts are 0), a count with its interval."""
    mean = signed_bootstrap(np.sign(scores - 0.5), confidence=confidence, draws=draws, seed=seed)
    value, low, high = (None if share is None else share * mean.n for share in (mean.value, mean.low, mean.high))
    return SignedEstimate(value, low, high, mean.n)


def sign_flip(scores: Floats, *, null: float = 0.5, draws: int = DRAWS, seed: int = 0) -> SignFlip:
    """Sign-flip test of a mean score of `null`, clustered by prompt: each prompt's distance from it flips as a whole.

    `scores` has shape (prompts,). p = (1 + draws at least as far) / (1 + draws), so it is never 0 and the test keeps
    its level (Phipson and Smyth 2010). Prompts that score exactly `null` change nothing; if all do, p is 1.
    """
    n = len(scores)
    if n == 0:
        return SignFlip(None, 0)
    distances = np.round(scores - null, 12)
    sizes, counts = np.unique(np.abs(distances), return_counts=True)
    observed = float(distances.sum())
    flipped = _flipped_sums(sizes, counts, draws=draws, seed=seed)
    far = np.count_nonzero(np.abs(flipped) >= abs(observed) - _CLOSE * n)
    return SignFlip((1 + int(far)) / (1 + draws), n)


def _levels(n: int, confidence: float) -> list[float]:
    """The two quantiles of the draws that bound the interval (Hesterberg 2015)."""
    critical = t_quantile((1 + confidence) / 2, n - 1) * np.sqrt(n / (n - 1))
    tail = normal_below(-critical)
    return [tail, 1 - tail]


def _drawn_ratios(numerator: Floats, denominator: Floats, *, draws: int, seed: int) -> Floats:
    """Ratios of resampled sums, shape (at most draws,); a draw without any denominator has no ratio and is dropped."""
    rng = np.random.default_rng(seed)
    above, below, counts = _distinct(numerator, denominator)
    n, kinds = len(numerator), len(counts)
    few = kinds <= _FEW
    step = max(1, _CHUNK // (kinds if few else n))
    sums = np.empty((draws, 2))
    for start in range(0, draws, step):
        size = min(step, draws - start)
        if few:
            drawn = rng.multinomial(n, counts / n, size=size).astype(np.float64)
            sums[start : start + size] = drawn @ np.column_stack([above, below])
        else:
            rows = rng.integers(n, size=(size, n))
            sums[start : start + size, 0] = numerator[rows].sum(axis=1)
            sums[start : start + size, 1] = denominator[rows].sum(axis=1)
    nonzero = sums[:, 1] > 0
    return np.asarray(sums[nonzero, 0] / sums[nonzero, 1], dtype=np.float64)


def _distinct(first: Floats, second: Floats) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """The distinct pairs (first, second) in sorted order, and how often each occurs."""
    firsts, code = np.unique(first, return_inverse=True)
    seconds, other = np.unique(second, return_inverse=True)
    pairs, counts = np.unique(code * len(seconds) + other, return_counts=True)
    return firsts[pairs // len(seconds)], seconds[pairs % len(seconds)], counts


def _flipped_sums(sizes: Floats, counts: NDArray[np.intp], *, draws: int, seed: int) -> Floats:
    """Sums after flipping each prompt's sign with probability 1/2, shape (draws,)."""
    rng = np.random.default_rng(seed)
    total = np.zeros(draws)
    for size, count in zip(sizes, counts, strict=True):
        if size > 0:
            total += size * (2.0 * rng.binomial(count, 0.5, size=draws) - count)
    return total
