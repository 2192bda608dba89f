"""Simulated studies: verdicts with prompt effects, as the tests and the benchmarks draw them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def verdicts(
    rng: np.random.Generator, shape: tuple[int, int, int], *, win_rate: float = 0.5, spread: float = 1.0
) -> Floats:
    """Scores 1 or 0 of shape (studies, prompts, reviewers); each prompt has a preference of its own, drawn from a beta
    distribution of mean `win_rate`. Two verdicts on a prompt correlate by 1 / (1 + 2 * spread).
    """
    studies, prompts, _ = shape
    preference = rng.beta(2 * win_rate * spread, 2 * (1 - win_rate) * spread, size=(studies, prompts, 1))
    return (rng.random(shape) < preference).astype(np.float64)


def shuffled(rng: np.random.Generator, prompts: int, reviewers: int) -> NDArray[np.intp]:
    """The prompt of each verdict where all verdicts come in random order, shape (prompts * reviewers,)."""
    return rng.permutation(np.repeat(np.arange(prompts), reviewers))


@dataclass(frozen=True)
class Sampled:
    """Studies in which people judge a random sample; all of shape (studies, prompts)."""

    human: Floats
    judge: Floats
    asked: NDArray[np.bool_]


def sampled(
    rng: np.random.Generator,
    studies: int,
    prompts: int,
    people: int,
    *,
    win_rate: float = 0.5,
    agreement: float = 0.8,
    likes_tuned: float = 0.0,
) -> Sampled:
    """A judge who gives a person's verdict with probability `agreement`, but says "tuned" to a share whatever it reads.

    Exactly `people` prompts of each study are judged by one person each.
    """
    truth = (rng.random((studies, prompts)) < win_rate).astype(np.float64)
    judge = np.where(rng.random(truth.shape) < agreement, truth, 1 - truth)
    judge = np.where(rng.random(truth.shape) < likes_tuned, 1.0, judge)
    asked = rng.random(truth.shape).argsort(axis=1) < people
    return Sampled(np.where(asked, truth, np.nan), judge, asked)
