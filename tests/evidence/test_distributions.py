"""The distributions that intervals need, against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eval.evidence.estimates.distributions import (
    fair_coin_below,
    fair_coin_two_sided,
    normal_below,
    normal_quantile,
    t_quantile,
    t_two_sided,
)

SHARES = (0.001, 0.025, 0.05, 0.3, 0.5, 0.8, 0.95, 0.975, 0.995, 0.99999)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 7, 10, 29, 30.5, 99, 1000, 19_999, 1_000_000])
def test_students_t(freedom: float) -> None:
    for share in SHARES:
        assert t_quantile(share, freedom) == pytest.approx(float(stats.t.ppf(share, freedom)), rel=1e-8, abs=1e-12)
    for distance in (0.0, 1e-9, 0.3, 1.0, 1.96, 5.0, 40.0, 1e6):
        assert t_two_sided(distance, freedom) == pytest.approx(float(2 * stats.t.sf(distance, freedom)), rel=1e-7)
        assert t_two_sided(-distance, freedom) == t_two_sided(distance, freedom)


def test_without_a_degree_of_freedom_there_is_no_quantile() -> None:
    assert np.isnan(t_quantile(0.975, 0))


def test_the_normal_distribution() -> None:
    for share in SHARES:
        assert normal_quantile(share) == pytest.approx(float(stats.norm.ppf(share)), rel=1e-12, abs=1e-15)
        assert normal_below(normal_quantile(share)) == pytest.approx(share, rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 40, 301, 20_000])
def test_a_fair_coin(n: int) -> None:
    heads = np.arange(n + 1)
    assert fair_coin_below(n) == pytest.approx(stats.binom.cdf(heads, n, 0.5), rel=1e-9, abs=1e-300)
    for k in {0, n // 3, n // 2, n}:
        assert fair_coin_two_sided(k, n) == pytest.approx(float(stats.binomtest(k, n).pvalue), rel=1e-9)
