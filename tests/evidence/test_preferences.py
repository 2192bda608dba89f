"""Held-out preference accuracy, on numbers that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from eval.collect.model_tasks.rows import Preference
from eval.errors import InputError
from eval.evidence.signals.held_out import held_out_accuracy
from eval.records import Side


def rows(margins: list[tuple[float, float]]) -> list[Preference]:
    """One pair for each (base, tuned) margin of chosen over rejected, in nats."""
    sides: tuple[Side, Side] = ("base", "tuned")
    return [
        Preference(run="r", pair=f"p{n}", side=side, chosen=m - 9, rejected=-9, chosen_tokens=3, rejected_tokens=3)
        for n, both in enumerate(margins)
        for side, m in zip(sides, both, strict=True)
    ]


def test_counts_by_hand() -> None:
    found = held_out_accuracy(rows([(-1, 2), (1, 3), (-2, -1), (0, 4), (2, 1)]))
    assert (found.base.value, found.tuned.value, found.reward.value) == (0.5, 0.8, 0.8)
    assert found.base.n == 5
    assert found.gain.value == pytest.approx(0.3)
    assert found.margin.value == pytest.approx((3 + 2 + 1 + 4 - 1) / 5)


def test_an_interval_covers_what_holds_for_all_pairs() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        base = rng.normal(0, 1, 80)
        tuned = base + rng.normal(0.5, 1, 80)
        found = held_out_accuracy(rows(list(zip(base.tolist(), tuned.tolist(), strict=True))))
        assert found.margin.low is not None
        assert found.margin.high is not None
        covered += found.margin.low <= 0.5 <= found.margin.high
    assert covered >= 180


def test_no_pair_is_no_number() -> None:
    found = held_out_accuracy([])
    assert found.tuned.value is None
    assert found.gain.value is None


def test_a_pair_with_one_side_is_named() -> None:
    with pytest.raises(InputError, match="pair p1 is scored on one side only"):
        held_out_accuracy(rows([(1, 1), (1, 1)])[:3])
