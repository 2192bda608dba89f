"""E-processes and confidence sequences: wealth from bets on prompts, valid at any look.

Against "the mean score is at most m", each prompt's score x in [0, 1] multiplies the wealth of a bet f in (0, 1) by
1 + (f / m)(x - m), which is never negative and, if the hypothesis holds, is at most 1 on average. By Ville's inequality
wealth ever reaches 1/alpha with probability at most alpha: one may look after every prompt and stop (Shafer 2021;
Ramdas and others 2023). The bet is an equal-weight mixture of a few fixed ones, which needs no tuning on the data.

Because the bets are fixed, wealth falls as m grows, so the values of m that it does not reject form an interval: the
hedged-capital confidence sequence (Waudby-Smith and Ramdas 2024, section 4, with half the capital on each side).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALPHA = 0.05
#: Bets in units of the one that grows fastest where evidence suffices just at the horizon.
_MULTIPLES = (1.0, 1.5, 3.0)
_LARGEST = 0.9
#: More prompts than this are looked at so many times only; fewer looks are as valid and faster.
_LOOKS = 20_000
_PRECISION = 1e-6


def fixed_bets(horizon: int, *, alpha: float = ALPHA) -> Floats:
    """The bets of a study that holds `horizon` prompts, shape (3,): a number known before judging, never counted later.

    sqrt(2 log(1/alpha) / horizon) is the bet of Waudby-Smith and Ramdas (2024, section 3) for an interval at a fixed
    sample size, with a variance of 1/4 and relative to m = 1/2. Larger ones end a study early where the effect is
    large. A horizon that is wrong by a factor of three costs some power, and never validity.
    """
    unit = np.sqrt(2 * np.log(1 / alpha) / max(horizon, 1))
    return np.asarray(np.minimum(unit * np.array(_MULTIPLES), _LARGEST), dtype=np.float64)


def log_wealth(scores: Floats, null: float, bets: Floats) -> Floats:
    """Log wealth after each prompt, against "the mean is at most `null`".

    `scores` has shape (..., prompts), each in [0, 1], the last axis in order of time; `null` is in (0, 1). Same shape
    is returned. For the other side give 1 - scores and 1 - null.
    """
    relative = scores / null - 1
    paths = np.stack([np.cumsum(np.log1p(bet * relative), axis=-1) for bet in bets])
    return mixed(paths)


def mixed(paths: Floats) -> Floats:
    """Log of the mean of exp(paths) over the first axis: equal shares of the starting capital."""
    top = paths.max(axis=0)
    return np.asarray(top + np.log(np.exp(paths - top).mean(axis=0)), dtype=np.float64)


def growth(scores: Floats, null: float, bets: Floats) -> float:
    """Nats that the best of the bets gained per prompt; `scores` has shape (prompts,), at least one."""
    return float(np.log1p(np.outer(bets, scores / null - 1)).mean(axis=1).max())


def confidence_sequence(
    scores: Floats, bets: Floats, *, alpha: float = ALPHA, best: Floats | None = None
) -> tuple[float, float]:
    """Bounds on the mean that hold at all times at once with probability 1 - alpha; (0, 1) before any prompt.

    `scores` has shape (prompts,), in order of time; where some are known only to lie between two values, `scores` has
    the lower and `best` the upper ones. Bounds of all looks so far are intersected; where drift has left no value at
    all, those of the last look are given. Both are within 1e-6.
    """
    if len(scores) == 0:
        return 0.0, 1.0
    most = scores if best is None else best
    low, high = _bounds(scores, most, bets, alpha, np.max)
    if low < high:
        return low, high
    return _bounds(scores, most, bets, alpha, lambda path: path[-1])


def _bounds(
    scores: Floats, best: Floats, bets: Floats, alpha: float, over: Callable[[Floats], float]
) -> tuple[float, float]:
    return _lower(scores, bets, alpha, over), 1 - _lower(1 - best, bets, alpha, over)


def _lower(scores: Floats, bets: Floats, alpha: float, over: Callable[[Floats], float]) -> float:
    """The largest mean that half the capital rejects, by bisection: its wealth falls as the mean grows."""
    values, code = np.unique(scores, return_inverse=True)
    starts = _blocks(len(scores))
    needed = float(np.log(2 / alpha))
    low, high = 0.0, 1.0
    while high - low > _PRECISION:
        middle = (low + high) / 2
        gains = np.log1p(np.outer(bets, values / middle - 1))
        path = mixed(np.cumsum(np.add.reduceat(gains[:, code], starts, axis=1), axis=1))
        low, high = (middle, high) if over(path) >= needed else (low, middle)
    return low


def _blocks(n: int) -> NDArray[np.intp]:
    """Where the stretches between looks begin."""
    return np.unique(np.linspace(0, n, min(n, _LOOKS), endpoint=False).astype(np.intp))
