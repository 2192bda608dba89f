"""Quantiles and tails that intervals need: Student's t, normal, beta, and fair coin flips.

Written here because SciPy takes longer to import than a report to be made; held against SciPy in the tests.
"""

from __future__ import annotations

from functools import lru_cache
from math import erfc, exp, lgamma, log, log1p, nan, pi, sqrt, tan
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

_NORMAL = NormalDist()
#: A continued fraction stops at this precision, or after so many terms.
_CLOSE, _MOST = 1e-15, 100_000


@lru_cache(maxsize=4096)
def t_quantile(share: float, freedom: float) -> float:
    """The value below which `share` of Student's t lies, to 1e-8; NaN without a degree of freedom.

    One and two degrees of freedom have closed forms; else Newton's method from Hill's expansion about the normal
    quantile (1970).
    """
    if freedom < 1 or not 0 < share < 1:
        return nan
    if share < 0.5:
        return -t_quantile(1 - share, freedom)
    if freedom == 1:
        return tan(pi * (share - 0.5))
    if freedom == 2:
        return (2 * share - 1) * sqrt(2 / (1 - (2 * share - 1) ** 2))
    z = normal_quantile(share)
    t = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    scale = lgamma((freedom + 1) / 2) - lgamma(freedom / 2) - log(freedom * pi) / 2
    for _ in range(100):
        density = exp(scale - (freedom + 1) / 2 * log1p(t * t / freedom))
        step = (t_two_sided(t, freedom) / 2 - (1 - share)) / density
        t += step
        if abs(step) <= 1e-12 * abs(t):
            break
    return t


def t_two_sided(distance: float, freedom: float) -> float:
    """The chance of Student's t being at least so far from 0, on either side."""
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + distance * distance))


def normal_quantile(share: float) -> float:
    return _NORMAL.inv_cdf(share)


def normal_below(value: float) -> float:
    """The chance of a standard normal number below `value`."""
    return erfc(-value / sqrt(2)) / 2


def fair_coin_below(n: int) -> NDArray[np.float64]:
    """The chance of at most 0, 1, …, n heads in n throws of a fair coin, shape (n + 1,)."""
    logs = np.concatenate([[0.0], np.log(np.arange(1, n + 1)).cumsum()])
    return np.asarray(np.minimum(np.exp(logs[-1] - logs - logs[::-1] - n * log(2)).cumsum(), 1.0), dtype=np.float64)


def fair_coin_two_sided(heads: int, n: int) -> float:
    """The exact p-value of the sign test: at least so uneven a division of n throws of a fair coin."""
    return min(1.0, 2 * float(fair_coin_below(n)[min(heads, n - heads)]))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function (DLMF 8.17.22 by Lentz's method, 8.17.4 for the faster side)."""
    if not 0 < x < 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    d = 1 / (1 - (a + b) * x / (a + 1))
    c, product = 1.0, d
    for m in range(1, _MOST):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for part in (even, odd):
            d = 1 / (1 + part * d)
            c = 1 + part / c
            product *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return front * product
