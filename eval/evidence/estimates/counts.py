"""Counts verdicts per prompt and outcome, and the figures that are resampled from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.evidence.estimates.bootstrap import (
    DRAWS,
    Floats,
    SignedEstimate,
    SignFlip,
    bootstrap,
    net_wins,
    sign_flip,
    signed_bootstrap,
)
from eval.evidence.estimates.winrate import Estimate
from eval.evidence.judgements import BASE, BOTH_BAD, TIE, TUNED, prompt_means
from eval.records import OUTCOMES

Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """Verdicts per prompt and outcome, shape (prompts, 4) in the order of eval.records.OUTCOMES."""

    per_prompt: NDArray[np.intp]

    @property
    def scores(self) -> Floats:
        """Mean score of each prompt with a preference or tie: tuned 1, tie 1/2, base 0."""
        return self._scores(ties=True)[0]

    def _scores(self, *, ties: bool) -> tuple[Floats, Floats]:
        """Score and whether it exists (1.0 or 0.0), over the prompts with a preference or tie."""
        counts = self.per_prompt[self.per_prompt[:, [BASE, TUNED, TIE]].sum(axis=1) > 0]
        half = counts[:, TIE] if ties else np.zeros(len(counts), dtype=np.intp)
        total = counts[:, TUNED] + counts[:, BASE] + half
        present = (total > 0).astype(np.float64)
        return (counts[:, TUNED] + half / 2) / np.maximum(total, 1), present


@dataclass(frozen=True)
class Resampled:
    """What resampling prompts says of one set of verdicts."""

    win_rate: Estimate
    win_rate_without_ties: Estimate
    net_wins: SignedEstimate
    ties: Estimate
    both_bad: Estimate
    sign_flip: SignFlip


@dataclass(frozen=True)
class BadRates:
    """Share of verdicts that found a side's answer bad, averaged per prompt, and tuned minus base."""

    base: Estimate
    tuned: Estimate
    difference: SignedEstimate


def prompt_counts(item: Codes, outcome: Codes, prompts: int) -> Counts:
    """Collapse n verdicts (`item`, `outcome`: shape (n,)) to counts per prompt."""
    cells = np.bincount(item * len(OUTCOMES) + outcome, minlength=prompts * len(OUTCOMES))
    return Counts(cells.reshape(prompts, len(OUTCOMES)))


def resampled(counts: Counts, *, draws: int = DRAWS, seed: int = 0) -> Resampled:
    """Every resampled figure, each by the same seed: the same verdicts give the same figures."""
    without, present = counts._scores(ties=False)
    judged = counts.per_prompt[counts.per_prompt.sum(axis=1) > 0]
    shares = judged / judged.sum(axis=1, keepdims=True)
    return Resampled(
        win_rate=bootstrap(counts.scores, draws=draws, seed=seed),
        win_rate_without_ties=bootstrap(without * present, present, draws=draws, seed=seed),
        net_wins=net_wins(counts.scores, draws=draws, seed=seed),
        ties=bootstrap(shares[:, TIE], draws=draws, seed=seed),
        both_bad=bootstrap(shares[:, BOTH_BAD], draws=draws, seed=seed),
        sign_flip=sign_flip(counts.scores, draws=draws, seed=seed),
    )


def bad_rates(
    item: Codes, outcome: Codes, flagged_base: Flags, flagged_tuned: Flags, prompts: int, *, seed: int = 0
) -> BadRates:
    """How often each side's answer was found bad: `both_bad` says it of both, a flag (a tag, a low mark) of one.

    All arrays have shape (n,), one entry a verdict. Without flags both rates are the share of both_bad, for a verdict
    for one side does not say whether the other answer was bad or only worse.
    """
    both = outcome == BOTH_BAD
    means = [
        prompt_means(item, (both | flagged).astype(np.float64), prompts) for flagged in (flagged_base, flagged_tuned)
    ]
    base, tuned = (mean[~np.isnan(mean)] for mean in means)
    return BadRates(bootstrap(base, seed=seed), bootstrap(tuned, seed=seed), signed_bootstrap(tuned - base, seed=seed))
