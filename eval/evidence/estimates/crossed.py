"""The win rate for reviewers like these: prompts and reviewers are both samples (crossed random effects).

The interval of `estimates.winrate` is about these reviewers: it knows that prompts vary, and takes the people as
given. Two people who lean the same way make it narrow, and say little of the next two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.distributions import t_quantile
from eval.evidence.estimates.winrate import Estimate, wilson
from eval.evidence.judgements import Judgements, prompt_means

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]


def crossed_win_rate(table: Judgements, *, confidence: float = 0.95) -> Estimate:
    """The win rate of `win_rate`, with an interval for reviewers like these on prompts like these.

    Two-way clustering (Cameron, Gelbach and Miller 2011): with u the influence of a verdict on the mean, weight times
    (score - mean), the variance is

        V = P/(P-1) sum over prompts (sum u)^2 + R/(R-1) sum over reviewers (sum u)^2 - N/(N-1) sum over verdicts u^2

    and never less than either clustering alone gives, since the difference of three estimates may be too small by
    chance. The critical value is Student's at R - 1 degrees of freedom, the smaller number of clusters. The interval
    is Wilson's at the effective number p (1 - p) / V, as everywhere. Needs two prompts and two reviewers.
    """
    scored = ~np.isnan(table.score)
    item, reviewer, score = table.item[scored], table.reviewer[scored], table.score[scored]
    means = prompt_means(table.item, table.score, len(table.items))
    prompts, people = int(np.count_nonzero(~np.isnan(means))), len(np.unique(reviewer))
    if prompts == 0:
        return Estimate(None, None, None, 0)
    value = float(np.nanmean(means))
    if prompts < 2 or people < 2:
        return Estimate(value, None, None, prompts)
    weight = 1 / (np.bincount(item, minlength=len(table.items))[item] * prompts)
    influence = weight * (score - value)
    by_prompt, by_person = _clustered(item, influence), _clustered(reviewer, influence)
    variance = max(by_prompt + by_person - _factor(len(score)) * float((influence**2).sum()), by_prompt, by_person)
    spread = value * (1 - value)
    effective = spread / variance if variance > 0 and spread > 0 else float(people)
    low, high = wilson(value, effective, critical=t_quantile((1 + confidence) / 2, people - 1))
    return Estimate(value, low, high, prompts)


def _clustered(code: Codes, influence: Floats) -> float:
    sums = np.bincount(code, weights=influence)
    return _factor(len(np.unique(code))) * float((sums**2).sum())


def _factor(clusters: int) -> float:
    return clusters / (clusters - 1)
