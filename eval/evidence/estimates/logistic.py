"""Logistic regression of a share on a few columns, with standard errors that do not trust the model's variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDS = 50
#: Beyond this a fitted share is 0 or 1 for all purposes: the data are separated and have no finite fit.
_LARGEST = 15.0


@dataclass(frozen=True)
class LogisticFit:
    """Coefficients, shape (k,), and their covariance, shape (k, k), from n rows."""

    coefficients: Floats
    covariance: Floats
    n: int


def fit_logistic(x: Floats, y: Floats) -> LogisticFit | None:
    """Fit P(y) = 1 / (1 + exp(-x @ b)) to y in [0, 1], shape (n,), x of shape (n, k), by Newton's method.

    y may be a share, such as the mean over the verdicts on one prompt: the estimate is that of the quasi-likelihood
    (Papke and Wooldridge 1996), and the covariance the sandwich with the factor n / (n - k) (White 1980; HC1), which
    needs no more than independent rows. With a row a prompt it is clustered by prompt.

    None where there is no finite fit: too few rows, columns that depend on each other, or sides that x tells apart.
    """
    n, k = x.shape
    if n <= k or np.linalg.matrix_rank(x) < k:
        return None
    beta = np.zeros(k)
    for _ in range(_ROUNDS):
        share, information = _at(x, beta)
        step = np.linalg.solve(information, x.T @ (y - share))
        beta = beta + step
        if np.abs(x @ beta).max() > _LARGEST:
            return None
        if np.abs(step).max() < 1e-10:
            return _sandwich(x, y, beta)
    return None


def _at(x: Floats, beta: Floats) -> tuple[Floats, Floats]:
    """Fitted shares, shape (n,), and the information matrix, shape (k, k)."""
    share = 1 / (1 + np.exp(-(x @ beta)))
    return share, (x * (share * (1 - share))[:, None]).T @ x


def _sandwich(x: Floats, y: Floats, beta: Floats) -> LogisticFit:
    n, k = x.shape
    share, information = _at(x, beta)
    scores = x * (y - share)[:, None]
    bread = np.linalg.inv(information)
    return LogisticFit(beta, bread @ (scores.T @ scores) @ bread * n / (n - k), n)
