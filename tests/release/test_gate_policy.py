"""The default policy in short simulations: it seldom releases a model that is no better, and finds one that is."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.gate_policy import released, study
from eval.policy import DEFAULT, read_policy


def releases(true: float, studies: int) -> int:
    policy, rng = read_policy(DEFAULT), np.random.default_rng(11)
    return sum(released(policy, *study(rng, 200, true), every=100) is not None for _ in range(studies))


@pytest.mark.slow
def test_a_model_that_is_no_better_is_seldom_released() -> None:
    assert releases(0.5, 60) <= 6


@pytest.mark.slow
def test_a_model_that_is_much_better_is_found() -> None:
    assert releases(0.7, 25) >= 21
