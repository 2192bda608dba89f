"""The model behind a plan: how verdicts are expected to be distributed.

The score of a prompt is the mean of its verdicts. Two people who judge one prompt agree more than chance would have
them, so their verdicts bring less than two: the variance of a prompt's score with k reviewers is
v (kappa + (1 - kappa) / k), v that of a single verdict, kappa their agreement beyond chance. New prompts are worth more
than second opinions, which are for measuring agreement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from eval.errors import InputError
from eval.evidence.sequential.e_process import Floats


@dataclass(frozen=True)
class People:
    """What is expected of the verdicts. Shares in [0, 1]."""

    #: Verdicts that see no difference, and verdicts that find both answers bad (these bring no score).
    ties: float = 0.2
    both_bad: float = 0.0
    #: How often two reviewers of one prompt give the same verdict.
    agreement: float = 0.65


@dataclass(frozen=True)
class Design:
    """`reviewers` people on a share of the prompts, one on each of the others."""

    reviewers: int = 1
    share: float = 1.0

    @property
    def per_prompt(self) -> float:
        """Judgements per prompt."""
        return self.share * self.reviewers + (1 - self.share)

    @property
    def in_words(self) -> str:
        if self.reviewers == 1 or self.share == 0:
            return "1 reviewer per prompt"
        if self.share == 1:
            return f"{self.reviewers} reviewers per prompt"
        return f"{self.reviewers} reviewers on {self.share:.0%} of the prompts, 1 on the others"


def kappa(people: People, win_rate: float) -> float:
    """Agreement beyond chance, (observed - expected) / (1 - expected), within [0, 1]: what Fleiss' kappa estimates."""
    shares = _shares(people, win_rate)
    expected = float((shares**2).sum())
    return float(np.clip((people.agreement - expected) / (1 - expected), 0.0, 1.0)) if expected < 1 else 0.0


def worth(people: People, win_rate: float, reviewers: int) -> float:
    """How many single verdicts on prompts of their own bring as much as `reviewers` verdicts on one prompt."""
    beyond = kappa(people, win_rate)
    return 1 / (beyond + (1 - beyond) / reviewers)


def score_distribution(people: People, win_rate: float, design: Design) -> tuple[Floats, Floats]:
    """The values that a prompt's score may take and their probabilities, both shape (values,).

    Verdicts on one prompt are Dirichlet-multinomial over base, tie and tuned: each prompt has shares of its own, and
    the correlation of two verdicts is kappa.
    """
    shares = _shares(people, win_rate)
    beyond = kappa(people, win_rate)
    alone, together = _scores_of(shares, beyond, 1), _scores_of(shares, beyond, design.reviewers)
    values = np.concatenate([together[0], alone[0]])
    weights = np.concatenate([design.share * together[1], (1 - design.share) * alone[1]])
    distinct, code = np.unique(np.round(values, 12), return_inverse=True)
    found = np.bincount(code, weights=weights)
    return distinct, found / found.sum()


def _shares(people: People, win_rate: float) -> Floats:
    """Expected shares of base, tie and tuned among the verdicts that bring a score."""
    if not (0 < win_rate < 1 and 0 <= people.ties <= 1 and 0 <= people.both_bad < 1 and 0 <= people.agreement <= 1):
        raise InputError("win rate, ties, both bad and agreement are shares: give numbers between 0 and 1.")
    tuned = win_rate - people.ties / 2
    base = 1 - people.ties - tuned
    if min(tuned, base) < 0:
        raise InputError(f"{people.ties:.0%} ties leave no room for a win rate of {win_rate:.0%}: give fewer ties.")
    return np.array([base, people.ties, tuned])


def _scores_of(shares: Floats, beyond: float, reviewers: int) -> tuple[Floats, Floats]:
    """Score and probability of every way in which `reviewers` can split over base, tie and tuned."""
    splits = np.array([(b, reviewers - b - w, w) for b in range(reviewers + 1) for w in range(reviewers + 1 - b)])
    values = (splits[:, 2] + splits[:, 1] / 2) / reviewers
    ways = special.gammaln(reviewers + 1) - special.gammaln(splits + 1).sum(axis=1)
    if beyond >= 1:
        return np.array([0.0, 0.5, 1.0]), shares
    if beyond <= 0:
        return values, np.exp(ways + special.xlogy(splits, shares).sum(axis=1))
    spread = (1 - beyond) / beyond
    alphas = np.maximum(shares * spread, 1e-12)
    logs = special.gammaln(splits + alphas) - special.gammaln(alphas)
    scale = special.gammaln(alphas.sum()) - special.gammaln(alphas.sum() + reviewers)
    return values, np.exp(ways + logs.sum(axis=1) + scale)
