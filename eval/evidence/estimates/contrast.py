"""Compares two groups of the same judgements, with the prompt as the unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.bootstrap import SignedEstimate
from eval.evidence.estimates.distributions import t_quantile, t_two_sided
from eval.evidence.estimates.winrate import Estimate, win_rate
from eval.evidence.judgements import prompt_means

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contrast:
    """A mean in two groups, and the first minus the second with its p-value against no difference (two-sided)."""

    first: Estimate
    second: Estimate
    difference: SignedEstimate
    p_value: float | None


def contrast(
    item: NDArray[np.intp], value: Floats, first: NDArray[np.bool_], prompts: int, *, confidence: float = 0.95
) -> Contrast:
    """Means of `value` in [0, 1] where `first` and elsewhere; all of shape (n,), NaN values are left out.

    In each group a prompt counts once, by the mean of its values. A prompt may be in both groups: the variance of the
    difference is that of the prompts' influences on it (linearisation, as in survey sampling), with Student's t at one
    degree of freedom less than there are prompts. Either group needs two prompts for an interval.
    """
    groups = [prompt_means(item, np.where(where, value, np.nan), prompts) for where in (first, ~first)]
    has = [~np.isnan(mean) for mean in groups]
    one, other = (win_rate(mean[there], confidence=confidence) for mean, there in zip(groups, has, strict=True))
    n = int(np.count_nonzero(has[0] | has[1]))
    if one.value is None or other.value is None:
        return Contrast(one, other, SignedEstimate(None, None, None, n), None)
    difference = one.value - other.value
    if min(one.n, other.n) < 2:
        return Contrast(one, other, SignedEstimate(difference, None, None, n), None)
    centred = [
        np.where(there, mean - group.value, 0.0) / group.n
        for mean, there, group in zip(groups, has, (one, other), strict=True)
        if group.value is not None
    ]
    influence = (centred[0] - centred[1])[has[0] | has[1]]
    smallest = min(one.n, other.n)
    error = float(np.sqrt((influence**2).sum() * smallest / (smallest - 1)))
    if error == 0:
        return Contrast(one, other, SignedEstimate(difference, None, None, n), None)
    half = t_quantile((1 + confidence) / 2, smallest - 1) * error
    p_value = t_two_sided(difference / error, smallest - 1)
    low, high = max(-1.0, difference - half), min(1.0, difference + half)
    return Contrast(one, other, SignedEstimate(difference, low, high, n), p_value)
