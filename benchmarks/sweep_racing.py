"""How often a sweep of k candidates releases one that is no better, finds the right one, and what that costs people.

    .venv/bin/python -m benchmarks.sweep_racing [--studies 2000] [--prompts 300] [--seed 1]

One verdict for each candidate and prompt. The base's answer to a prompt is better or worse for all candidates alike
(1 logit), so what is said of them on one prompt goes together. Looked at after every round of verdicts; a release needs
all that the default policy asks of the preference: shown at some look, supported by all that is in, not refuted, early
and late not contradicting each other, each at the level that is asked for.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from benchmarks.evidence_simulations import title
from eval.evidence.sequential.e_process import fixed_bets, log_wealth, mixed
from eval.evidence.sequential.racing import checkpoints, selected_alpha

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
ALPHA, LEAST = 0.05, 100
RULES = ("all judged fully", "sure", "halving")
#: Means at which a confidence sequence is looked up: bounds are good to half a point in a thousand.
GRID = np.linspace(0.0005, 0.9995, 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--prompts", type=int, nargs="+", default=[300, 1000])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for prompts in options.prompts:
        for k in (2, 4, 8):
            rng = np.random.default_rng(options.seed)
            title(f"{k} candidates, {prompts} prompts")
            null = drawn(rng, options.studies, np.full(k, 0.5), prompts)
            real = drawn(rng, options.studies, np.array([0.6, *np.linspace(0.5, 0.55, k - 1)]), prompts)
            _plain(null)
            for rule in RULES:
                _tell(f"none better, {rule}", raced(null, rule), None)
                _tell(f"one at 60%, {rule}", raced(real, rule), 0)
    screened(np.random.default_rng(options.seed), options.studies)


def drawn(rng: np.random.Generator, studies: int, rates: Floats, prompts: int) -> Floats:
    """Scores, shape (studies, candidates, prompts), with these win rates over all prompts there could be."""
    taste = rng.normal(0, 1, (studies, 1, prompts))
    logits = np.array([_logit(rate) for rate in rates])
    chance = 1 / (1 + np.exp(-(logits[None, :, None] + taste)))
    scores = (rng.random(chance.shape) < chance).astype(np.float64)
    # Each candidate's prompts close in an order of their own.
    return np.take_along_axis(scores, rng.random(scores.shape).argsort(axis=2), axis=2)


@lru_cache(maxsize=64)
def _logit(rate: float) -> float:
    """The logit at which the mean over prompts' tastes is `rate`."""
    nodes = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    return float(optimize.brentq(lambda a: float((1 / (1 + np.exp(-(a + nodes)))).mean()) - rate, -8, 8))


@dataclass(frozen=True)
class Raced:
    """Of each study: who is chosen, whether it is released, and the verdicts that were given. Shape (studies,)."""

    chosen: NDArray[np.intp]
    released: Flags
    verdicts: NDArray[np.intp]
    full: int


def raced(scores: Floats, rule: str) -> Raced:
    """Rounds of one verdict for each that runs, until one is left and shown, or the plan is done."""
    studies, k, prompts = scores.shape
    alpha = selected_alpha(ALPHA, k)
    running = np.ones((studies, k), dtype=np.bool_)
    ends = np.full((studies, k), prompts)
    lows, highs = sequences(scores, alpha)
    stages = dict(zip(checkpoints(k, prompts), range(k), strict=False)) if rule == "halving" else {}
    shown = np.maximum.accumulate(log_wealth(scores, 0.5, fixed_bets(prompts, alpha=alpha)), axis=2) >= -np.log(alpha)
    over = np.zeros(studies, dtype=np.bool_)
    for n in range(1, prompts + 1):
        out = np.zeros_like(running)
        if rule == "sure":
            at = np.minimum(ends, n) - 1
            low, high = (np.take_along_axis(one, at[:, :, None], axis=2)[:, :, 0] for one in (lows, highs))
            out = running & (high < low.max(axis=1, keepdims=True)) & ~over[:, None]
        elif n in stages:
            means = np.where(running, scores[:, :, :n].mean(axis=2), -1.0)
            place = np.argsort(np.argsort(-means, axis=1, kind="stable"), axis=1)
            out = running & (place >= -(-running.sum(axis=1, keepdims=True) // 2)) & ~over[:, None]
        running &= ~out
        ends[out] = n
        if n >= LEAST and rule != RULES[0]:
            for study in np.flatnonzero(
                (running.sum(axis=1) == 1) & ~over & (running & shown[:, :, n - 1]).any(axis=1)
            ):
                one = int(np.argmax(running[study]))
                if released(scores[study, one, :n][None], alpha, prompts)[0]:
                    over[study] = True
                    ends[study, one] = n
    means = np.array([[scores[s, c, : ends[s, c]].mean() for c in range(k)] for s in range(studies)])
    chosen = np.where(running, means, -1).argmax(axis=1)
    let_out = np.array([released(scores[s, c, : ends[s, c]][None], alpha, prompts)[0] for s, c in enumerate(chosen)])
    return Raced(chosen, let_out & (ends[np.arange(studies), chosen] >= LEAST), ends.sum(axis=1), k * prompts)


def released(scores: Floats, alpha: float, horizon: int) -> Flags:
    """What the default policy asks of the preference, of scores (studies, prompts), at this level."""
    n, bets = scores.shape[1], fixed_bets(horizon, alpha=alpha)
    shown = log_wealth(scores, 0.5, bets).max(axis=1) >= np.log(1 / alpha)
    refuted = log_wealth(1 - scores, 0.5, bets).max(axis=1) >= np.log(2 / alpha)
    critical = float(stats.t.ppf(1 - alpha / 2, n - 1))
    mean, spread = scores.mean(axis=1), scores.std(axis=1, ddof=1)
    effective = mean * (1 - mean) / np.maximum(spread**2 / n, 1e-12)
    above = (mean - 0.5) * np.sqrt(np.where(spread > 0, effective, n)) / 0.5 > critical
    return np.asarray(shown & ~refuted & above & ~_drifted(scores, alpha), dtype=np.bool_)


def _drifted(scores: Floats, alpha: float) -> Flags:
    n = scores.shape[1]
    early, late = scores[:, : n // 2], scores[:, n // 2 :]
    error = np.sqrt(early.var(axis=1, ddof=1) / early.shape[1] + late.var(axis=1, ddof=1) / late.shape[1])
    smallest = min(early.shape[1], late.shape[1]) - 1
    apart = np.abs(late.mean(axis=1) - early.mean(axis=1)) > stats.t.ppf(1 - alpha / 2, smallest) * error
    return np.asarray(apart & (np.minimum(early.mean(axis=1), late.mean(axis=1)) <= 0.5), dtype=np.bool_)


def sequences(scores: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Lower and upper ends after each prompt, of wins and losses; as e_process.confidence_sequence has them."""
    table = _rejected(scores.shape[2], alpha)
    wins = scores.cumsum(axis=2).astype(np.intp)
    n = np.arange(1, scores.shape[2] + 1)
    low = np.maximum.accumulate(table[n, wins], axis=2)
    return low, 1 - np.maximum.accumulate(table[n, n - wins], axis=2)


@lru_cache(maxsize=8)
def _rejected(prompts: int, alpha: float) -> Floats:
    """The largest mean that half the capital rejects at (prompts, wins), shape (prompts + 1, prompts + 1)."""
    bets, needed = fixed_bets(prompts, alpha=alpha), np.log(2 / alpha)
    won, lost = (np.log1p(np.outer(bets, x / GRID - 1)) for x in (1.0, 0.0))
    found = np.zeros((prompts + 1, prompts + 1))
    for n in range(1, prompts + 1):
        wins = np.arange(n + 1)[None, :, None]
        wealth = mixed(won[:, None, :] * wins + lost[:, None, :] * (n - wins))
        # Wealth falls as the mean grows: the rejected means are the first ones of the grid.
        count = (wealth >= needed).sum(axis=1)
        found[n, : n + 1] = np.where(count > 0, GRID[np.maximum(count - 1, 0)], 0.0)
    return found


def _plain(scores: Floats) -> None:
    """The best of k by a gate that knows of no sweep."""
    best = scores.mean(axis=2).argmax(axis=1)
    chosen = scores[np.arange(len(scores)), best]
    rate = released(chosen, ALPHA, chosen.shape[1]).mean()
    print(f"  none better, the best one by a gate that knows of no sweep: released {rate:.1%}", flush=True)
    for what, alpha in (("at 5% each", ALPHA), ("paid for", selected_alpha(ALPHA, scores.shape[1]))):
        wealth = log_wealth(scores, 0.5, fixed_bets(scores.shape[2], alpha=alpha))
        ever = (wealth >= -np.log(alpha)).any(axis=(1, 2)).mean()
        print(f"  none better, any of them shown at some look, {what}: {ever:.1%}", flush=True)


def screened(rng: np.random.Generator, studies: int, k: int = 8, prompts: int = 300) -> None:
    """A model judge that agrees with people chooses on the prompts that people judge afterwards."""
    title(f"None better: a model judge that agrees 90% leaves one of {k}, and people judge that one")
    taste = np.where(rng.random((studies, k, prompts)) < 0.5, 1.0, 0.0)
    judge = np.where(rng.random(taste.shape) < 0.9, taste, 1 - taste)
    chosen = taste[np.arange(studies), judge.mean(axis=2).argmax(axis=1)]
    for of in (1, k):
        rate = released(chosen, selected_alpha(ALPHA, of), prompts).mean()
        print(f"  counted as one of {of}: released {rate:.1%}", flush=True)


def _tell(what: str, found: Raced, right: int | None) -> None:
    said = f"  {what}: released {found.released.mean():.1%}"
    if right is not None:
        chosen = found.chosen == right
        said += f", the right one chosen {chosen.mean():.1%}, and released {(chosen & found.released).mean():.1%}"
    used = found.verdicts.mean()
    print(f"{said}; {used:,.0f} of {found.full:,} verdicts, {1 - used / found.full:.1%} saved", flush=True)


if __name__ == "__main__":
    main()
