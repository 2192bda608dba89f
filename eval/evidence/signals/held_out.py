"""Held-out preference accuracy: how often a model finds the chosen answer likelier than the rejected one.

DPO's implicit reward of an answer is beta times the log-ratio of tuned to base (Rafailov and others 2023, section 4);
its margin between chosen and rejected is what training pushes up. On pairs that were kept out of training it says
whether that was learnt or memorised. It is no verdict on answers that the model writes itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.collect.model_tasks.rows import Preference
from eval.errors import InputError
from eval.evidence.estimates.bootstrap import SignedEstimate, signed_bootstrap
from eval.evidence.estimates.winrate import Estimate, win_rate


@dataclass(frozen=True)
class HeldOutAccuracy:
    """Shares over n held-out pairs, and the mean margin of the implicit reward at beta 1, in nats."""

    base: Estimate
    tuned: Estimate
    #: How often the log-ratio of tuned to base is larger for the chosen answer.
    reward: Estimate
    #: Tuned minus base accuracy, paired.
    gain: SignedEstimate
    margin: SignedEstimate


def held_out_accuracy(rows: Sequence[Preference], *, seed: int = 0) -> HeldOutAccuracy:
    """From preferences.csv. Equal log-probabilities count one half. Raises InputError where a pair lacks a side."""
    sides = [{row.pair: row.chosen - row.rejected for row in rows if row.side == side} for side in ("base", "tuned")]
    lacking = sorted(sides[0].keys() ^ sides[1].keys())
    if lacking:
        raise InputError(f"preferences.csv: pair {lacking[0]} is scored on one side only: score the pairs again")
    base, tuned = (np.array([side[pair] for pair in sides[0]], dtype=np.float64) for side in sides)
    right = [_right(base), _right(tuned)]
    return HeldOutAccuracy(
        base=win_rate(right[0]),
        tuned=win_rate(right[1]),
        reward=win_rate(_right(tuned - base)),
        gain=signed_bootstrap(right[1] - right[0], seed=seed),
        margin=signed_bootstrap(tuned - base, seed=seed),
    )


def _right(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    return (1 + np.sign(margin)) / 2
