"""Corrects the win rate of a study that stopped early: at that moment the mean is biased upwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eval.evidence.sequential.e_process import Floats, fixed_bets, mixed
from eval.evidence.sequential.sequential import Progress

#: Simulated studies times prompts, at most; and the fewest and most studies.
_CELLS, _FEWEST, _MOST = 240_000, 100, 800
_ROUNDS = 12


def corrected_win_rate(scores: Floats, progress: Progress, *, least: int = 1, seed: int = 0) -> float | None:
    """The bias-adjusted estimate of Whitehead (1986): the mean at which studies stopped like this one would, on
    average, show what this one shows. None where the study did not stop early.

    `scores` has shape (prompts,), those of `found`. With m the observed mean and b(t) the bias of the mean at stopping
    where t is true, it solves t + b(t) = m. b comes from simulated studies with one seed for all t, so it is smooth in
    t: scores are drawn from those that were seen (half a win and half a loss added, so that a clean sweep is no
    certainty), tilted exponentially to the mean t. They stop at the first look at which wealth has reached its
    threshold, not before `least` prompts (those that the policy asks for), or at the end of the plan. A study that
    continued beyond that moment is taken to have looked from where it is now.
    """
    if progress.early is None or progress.first is None or progress.estimate.value is None:
        return None
    first_look = progress.n if progress.n > max(progress.first, least) else min(least, progress.n)
    values, weights = np.unique(np.concatenate([scores, [0.0, 1.0]]), return_counts=True)
    shares = weights - 0.5 * np.isin(values, (0.0, 1.0))
    draws = _uniform(progress.horizon, seed)
    bets = fixed_bets(progress.horizon, alpha=progress.alpha)
    studies = _Studies(values, np.log1p(np.outer(bets, values / progress.null - 1)), progress.threshold, first_look)
    low, high = 0.0, 1.0
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if studies.mean_at_stopping(_tilted(values, shares, middle), draws) < progress.estimate.value:
            low = middle
        else:
            high = middle
    # Stopping for a high mean only ever makes it higher; what is beyond that is the simulation's own error.
    return min((low + high) / 2, progress.estimate.value)


def _uniform(horizon: int, seed: int) -> Floats:
    studies = int(np.clip(_CELLS // horizon, _FEWEST, _MOST))
    return np.asarray(np.random.default_rng(seed).random((studies, horizon)), dtype=np.float64)


def _tilted(values: Floats, weights: Floats, mean: float) -> Floats:
    """Probabilities proportional to weights exp(tilt values), with this mean; by bisection on the tilt."""
    low, high = -60.0, 60.0
    for _ in range(60):
        tilt = (low + high) / 2
        chance = weights * np.exp(tilt * (values - values.mean()))
        chance /= chance.sum()
        low, high = (tilt, high) if float(chance @ values) < mean else (low, tilt)
    return np.asarray(chance, dtype=np.float64)


@dataclass(frozen=True)
class _Studies:
    """`gains`: what each score adds to the log wealth of each bet, shape (bets, values)."""

    values: Floats
    gains: Floats
    threshold: float
    first_look: int

    def mean_at_stopping(self, chance: Floats, draws: Floats) -> float:
        """Mean over studies of the mean score at stopping, where scores have these chances."""
        code = np.searchsorted(chance.cumsum()[:-1], draws, side="right")
        crossed = mixed(np.stack([gain[code].cumsum(axis=1) for gain in self.gains])) >= self.threshold
        ever = np.logical_or.accumulate(crossed, axis=1)
        ever[:, : self.first_look - 1] = False
        stop = np.where(ever.any(axis=1), ever.argmax(axis=1), code.shape[1] - 1)
        means = self.values[code].cumsum(axis=1)[np.arange(len(code)), stop] / (stop + 1)
        return float(means.mean())
