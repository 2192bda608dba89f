"""How far reviewers agree on the same pairs: observed, and beyond what chance would give.

Everything is computed from how often each outcome was given to each prompt. A prompt with one verdict says nothing of
agreement; where it enters at all (Fleiss, Gwet) it is only as to how common each outcome is. Intervals resample
prompts: resampling single verdicts would take the verdicts on one prompt for independent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.bootstrap import DRAWS, Floats
from eval.evidence.estimates.counts import prompt_counts
from eval.evidence.estimates.distributions import normal_below, t_quantile
from eval.evidence.estimates.winrate import Estimate, wilson
from eval.evidence.judgements import Judgements
from eval.records import OUTCOMES

#: Sums over prompts, shape (..., features), to observed and expected agreement, each of shape (...).
Formula = Callable[[Floats, int], tuple[Floats, Floats]]

#: Numbers held at once while resampling.
_CHUNK = 4_000_000
#: A coefficient that is undefined in more of the resamples than this carries no interval.
_UNDEFINED = 0.05


@dataclass(frozen=True)
class Coefficients:
    """Agreement over n prompts with two or more verdicts, each with its 95% interval.

    `raw` is a share. The others are at most 1, 0 for what chance gives, and may be negative. `value` None: undefined
    (no prompt with two verdicts, or only one outcome was ever given, so that chance alone would agree).
    """

    raw: Estimate
    fleiss: Estimate
    alpha: Estimate
    ac1: Estimate


@dataclass(frozen=True)
class PairOfReviewers:
    """Two reviewers on the n prompts that both judged: share of equal verdicts, and Cohen's kappa."""

    first: str
    second: str
    raw: Estimate
    kappa: Estimate


@dataclass(frozen=True)
class Agreement:
    """`prompts` have two verdicts or more: one verdict says nothing of agreement."""

    prompts: int
    coefficients: Coefficients
    pairs: tuple[PairOfReviewers, ...]


def agreement(table: Judgements, *, draws: int = DRAWS, seed: int = 0) -> Agreement:
    """Agreement of all reviewers, and of each two who judged a prompt in common (in order of appearance)."""
    counts = prompt_counts(table.item, table.outcome, len(table.items)).per_prompt
    judged = counts.sum(axis=1)
    return Agreement(
        prompts=int(np.count_nonzero(judged > 1)),
        coefficients=coefficients(counts, draws=draws, seed=seed),
        pairs=_pairs(table, draws=draws, seed=seed),
    )


def coefficients(counts: NDArray[np.intp], *, draws: int = DRAWS, seed: int = 0) -> Coefficients:
    """From how often each category was given to each unit, shape (units, categories); all categories are columns.

    - raw: mean over units of the share of pairs of verdicts that are equal.
    - Fleiss' kappa (1971), for any number of verdicts a unit as in Gwet (2014, chapter 2): chance agreement Σ π²,
      π the mean over units of a category's share.
    - Krippendorff's alpha, nominal, with missing data (2011): by coincidences, units with one verdict left out.
    - Gwet's AC1 (2008): chance agreement Σ π(1 - π) / (categories - 1).
    """
    kinds, times = np.unique(counts[counts.sum(axis=1) > 0], axis=0, return_counts=True)
    summed = _summed(_features(kinds), times, draws, seed)
    return Coefficients(*(_estimate(*summed, counts.shape[1], formula) for formula in (_raw, _fleiss, _alpha, _ac1)))


def cohen(confusion: NDArray[np.intp], *, draws: int = DRAWS, seed: int = 0) -> tuple[Estimate, Estimate]:
    """Share of equal verdicts and Cohen's kappa (1960) of two raters; `confusion` (categories, categories) counts."""
    size = len(confusion)
    cells = np.argwhere(confusion > 0)
    one = np.eye(size)
    ones = np.ones((len(cells), 1))
    equal = (cells[:, :1] == cells[:, 1:]).astype(np.float64)
    features = np.hstack([ones, equal, one[cells[:, 0]], one[cells[:, 1]]])
    summed = _summed(features, confusion[confusion > 0], draws, seed)
    return _estimate(*summed, size, _raw), _estimate(*summed, size, _cohen)


def _features(kinds: NDArray[np.intp]) -> Floats:
    """What is summed over units: whether it has two verdicts, its share of equal pairs, that share times its verdicts,
    its counts where it has two, and its shares. Shape (units, 3 + 2 * categories).
    """
    given = kinds.sum(axis=1, keepdims=True)
    paired = given > 1
    equal = (kinds * (kinds - 1)).sum(axis=1, keepdims=True) / np.maximum(given * (given - 1), 1)
    return np.hstack([paired, equal, equal * given, kinds * paired, kinds / np.maximum(given, 1)]).astype(np.float64)


def _raw(sums: Floats, size: int) -> tuple[Floats, Floats]:
    observed = _over(sums[..., 1], sums[..., 0])
    return observed, np.zeros_like(observed)


def _fleiss(sums: Floats, size: int) -> tuple[Floats, Floats]:
    shares = _shares(sums[..., 3 + size :])
    return _over(sums[..., 1], sums[..., 0]), (shares**2).sum(axis=-1)


def _ac1(sums: Floats, size: int) -> tuple[Floats, Floats]:
    shares = _shares(sums[..., 3 + size :])
    return _over(sums[..., 1], sums[..., 0]), (shares * (1 - shares)).sum(axis=-1) / (size - 1)


def _alpha(sums: Floats, size: int) -> tuple[Floats, Floats]:
    given = sums[..., 3 : 3 + size]
    total = given.sum(axis=-1)
    return _over(sums[..., 2], total), _over((given * (given - 1)).sum(axis=-1), total * (total - 1))


def _cohen(sums: Floats, size: int) -> tuple[Floats, Floats]:
    both = _shares(sums[..., 2 : 2 + size]) * _shares(sums[..., 2 + size :])
    return _over(sums[..., 1], sums[..., 0]), both.sum(axis=-1)


def _shares(sums: Floats) -> Floats:
    return _over(sums, sums.sum(axis=-1, keepdims=True))


def _over(above: Floats, below: Floats) -> Floats:
    """The ratio, NaN where there is none."""
    return np.divide(above, below, out=np.full_like(above, np.nan), where=np.broadcast_to(below > 0, above.shape))


def _estimate(sums: Floats, drawn_sums: Floats, size: int, formula: Formula) -> Estimate:
    """(observed - expected) / (1 - expected), with percentiles of resampled prompts, widened for few (Hesterberg 2015).

    Where all resamples agree alike, as after perfect agreement, the interval is Wilson's of the observed agreement.
    """
    n = int(sums[0])
    observed, expected = formula(sums, size)
    value = float(_beyond(observed, expected))
    if np.isnan(value) or n < 2:
        return Estimate(None if np.isnan(value) else value, None, None, n)
    drawn = _beyond(*formula(drawn_sums, size))
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < (1 - _UNDEFINED) * len(drawn):
        return Estimate(value, None, None, n)
    critical = t_quantile(0.975, n - 1)
    tail = normal_below(-critical * np.sqrt(n / (n - 1)))
    low, high = (float(bound) for bound in np.quantile(defined, [tail, 1 - tail]))
    if high - low < 1e-9:
        bounds = np.array(wilson(min(1.0, float(observed)), n, critical=critical))
        low, high = (float(bound) for bound in _beyond(bounds, np.full(2, expected)))
    return Estimate(value, low, high, n)


def _beyond(observed: Floats, expected: Floats) -> Floats:
    return _over(np.asarray(observed - expected), np.where(1 - expected > 1e-12, 1 - expected, 0.0))


def _summed(features: Floats, times: NDArray[np.intp], draws: int, seed: int) -> tuple[Floats, Floats]:
    """Features of the kinds of prompts that there are, summed over all prompts, shape (features,), and over as many
    drawn with replacement, shape (draws, features).

    Prompts that were judged alike are exchangeable: it is drawn how many of each kind there are.
    """
    if not len(times):
        return np.zeros(features.shape[1]), np.zeros((draws, features.shape[1]))
    rng = np.random.default_rng(seed)
    n, step = int(times.sum()), max(1, _CHUNK // len(times))
    parts = [rng.multinomial(n, times / n, size=min(step, draws - at)) @ features for at in range(0, draws, step)]
    return times @ features, np.concatenate(parts)


def _pairs(table: Judgements, *, draws: int, seed: int) -> tuple[PairOfReviewers, ...]:
    people, size = len(table.reviewers), len(OUTCOMES)
    cells = _cells(table, people, size)
    codes, pair = np.unique(cells // size**2, return_inverse=True)
    confusions = np.bincount(pair * size**2 + cells % size**2, minlength=len(codes) * size**2)
    found = []
    for code, confusion in zip(codes, confusions.reshape(len(codes), size, size), strict=True):
        names = (table.reviewers[code // people], table.reviewers[code % people])
        found.append(PairOfReviewers(*names, *cohen(confusion, draws=draws, seed=seed)))
    return tuple(found)


def _cells(table: Judgements, people: int, size: int) -> NDArray[np.intp]:
    """One code for each two verdicts on one prompt: who (the earlier code first), and which outcomes."""
    order = np.lexsort((table.reviewer, table.item))
    item, who, outcome = table.item[order], table.reviewer[order], table.outcome[order]
    found = []
    for apart in range(1, int(np.bincount(item).max(initial=0))):
        same = np.flatnonzero(item[apart:] == item[:-apart])
        other = same + apart
        found.append(((who[same] * people + who[other]) * size + outcome[same]) * size + outcome[other])
    return np.concatenate(found) if found else np.array([], dtype=np.intp)
