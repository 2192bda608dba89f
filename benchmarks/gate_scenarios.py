"""How often the gate releases a model that is no better where reviewers, plans and orders are what they are in life.

    .venv/bin/python -m benchmarks.gate_scenarios [--studies 4000] [--seed 1]

Every study holds 300 prompts, one verdict each, if not said otherwise, and the gate is asked at the end, of all that is
in: by the default policy's rules on preference and drift (`like_these` where it is said). "before" is the rule that
went by the highest wealth ever reached alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.evidence_simulations import above, covered, tell, title
from eval.evidence.estimates.crossed import crossed_win_rate
from eval.evidence.judgements import of_arrays
from eval.evidence.sequential.e_process import fixed_bets, log_wealth
from eval.evidence.sequential.early_stop import corrected_win_rate
from eval.evidence.sequential.sequential import closed_prompts, progress

Floats = NDArray[np.float64]
PROMPTS = 300
ONCE, BOTH = np.log(20), np.log(40)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, studies = np.random.default_rng(options.seed), options.studies
    title("No difference, and a difference: releases")
    for rate in (0.5, 0.55, 0.6, 0.65):
        scores = _won(rng, np.full((studies, PROMPTS), rate))
        compare(f"true win rate {rate:.0%}", scores)
        tell(f"true win rate {rate:.0%}: now, at some look", float(at_some_look(scores).mean()), studies)
    title("Contradicted later: the first 60 prompts won, 30% of the next 240")
    first = np.ones((studies, 60))
    compare("won, then lost", np.concatenate([first, _won(rng, np.full((studies, 240), 0.3))], axis=1))
    title("Taste that drifts, 50% on the whole")
    for name, chances in drifts():
        compare(name, _won(rng, np.tile(chances, (studies, 1))))
    skips(rng, studies)
    reviewers_crossed(rng, studies)
    chosen_afterwards(rng, studies)
    near_duplicates(rng, studies)
    early_stop(rng, min(studies, 200))


def _won(rng: np.random.Generator, chance: Floats) -> Floats:
    return (rng.random(chance.shape) < chance).astype(np.float64)


def drifts() -> Iterator[tuple[str, Floats]]:
    at = np.linspace(0, 1, PROMPTS)
    shapes = {"falling": 1 - 2 * at, "rising": 2 * at - 1, "one wave": np.sin(2 * np.pi * at)}
    shapes |= {"high at both ends": np.cos(2 * np.pi * at), "a step down": np.where(at < 0.5, 1.0, -1.0)}
    for name, shape in shapes.items():
        for size in (0.5, 1.0):
            yield f"{name}, {size:g} logits each way", np.asarray(1 / (1 + np.exp(-size * shape)), dtype=np.float64)


@dataclass(frozen=True)
class Rules:
    """What each study comes to at its end, shape (studies,). As evidence.sequential has it, many at once."""

    before: NDArray[np.bool_]
    released: NDArray[np.bool_]


def at_the_end(scores: Floats, horizon: int | None = None) -> Rules:
    """`scores` (studies, prompts), in the order in which prompts were closed or skipped."""
    n = scores.shape[1]
    bets = fixed_bets(horizon or n)
    shown = log_wealth(scores, 0.5, bets).max(axis=1) >= ONCE
    refuted = log_wealth(1 - scores, 0.5, bets).max(axis=1) >= BOTH
    return Rules(shown, shown & ~refuted & _above(scores) & ~_drifted(scores))


def at_some_look(scores: Floats) -> NDArray[np.bool_]:
    """Whether a study that is looked at every 10 prompts, from the 100 that the policy asks for, is ever released."""
    horizon = scores.shape[1]
    looks = [at_the_end(scores[:, :n], horizon).released for n in range(100, horizon + 1, 10)]
    return np.asarray(np.any(looks, axis=0), dtype=np.bool_)


def _above(scores: Floats) -> NDArray[np.bool_]:
    """Whether Wilson's interval of `win_rate` lies above one half: the score test at Student's critical value."""
    n = scores.shape[1]
    mean, variance = scores.mean(axis=1), scores.var(axis=1, ddof=1) / n
    spread = mean * (1 - mean)
    effective = np.where((variance > 0) & (spread > 0), spread / np.maximum(variance, 1e-12), n)
    critical = float(stats.t.ppf(0.975, n - 1))
    return np.asarray((mean - 0.5) * np.sqrt(effective) / 0.5 > critical, dtype=np.bool_)


def _drifted(scores: Floats) -> NDArray[np.bool_]:
    n = scores.shape[1]
    early, late = scores[:, : n // 2], scores[:, n // 2 :]
    error = np.sqrt(early.var(axis=1, ddof=1) / early.shape[1] + late.var(axis=1, ddof=1) / late.shape[1])
    apart = np.abs(late.mean(axis=1) - early.mean(axis=1)) > stats.t.ppf(0.975, n // 2 - 1) * error
    return np.asarray(apart & (np.minimum(early.mean(axis=1), late.mean(axis=1)) <= 0.5), dtype=np.bool_)


def compare(what: str, scores: Floats) -> None:
    found, n = at_the_end(scores), len(scores)
    tell(f"{what}: before", float(found.before.mean()), n)
    tell(f"{what}: now", float(found.released.mean()), n)


def skips(rng: np.random.Generator, studies: int) -> None:
    """How judging treats skips: a skipped prompt goes to the next reviewer, and comes back to the first one last.

    A reviewer skips a prompt on which they find the tuned model worse with some chance, and then always. Each prompt
    stands where it was first put before somebody; where everybody skips it, it stays open and counts as a loss.
    """
    title("Skips: prompts on which tuned is worse are put off, each reviewer by their own chance")
    for people in (1, 3):
        for rate in (0.5, 0.6):
            for chance in (0.0, 0.1, 0.3, 0.6):
                scores, answered, passed = _skipping(rng, studies, people, rate, chance)
                what = f"{people} reviewers, true {rate:.0%}, {chance:.0%} of losses skipped"
                late = np.where(answered, scores, np.nan)
                tell(f"{what}: before", float(_ignoring(late).mean()), studies)
                anybody = at_the_end(np.where(answered, scores, 0.0)).released
                tell(f"{what}: a loss until anybody judges it", float(anybody.mean()), studies)
                now = anybody & _above(np.where(passed, 0.0, scores))
                tell(f"{what}: now", float(now.mean()), studies)
    title("Skips at random: of all prompts")
    for rate in (0.5, 0.6):
        for chance in (0.02, 0.05, 0.1):
            scores = _won(rng, np.full((studies, PROMPTS), rate))
            strict = np.where(rng.random(scores.shape) < chance, 0.0, scores)
            anybody = at_the_end(scores).released
            tell(f"true {rate:.0%}, {chance:.0%} skipped, who did judges them last", float(anybody.mean()), studies)
            now = anybody & _above(strict)
            tell(f"true {rate:.0%}, {chance:.0%} skipped, others judge them: now", float(now.mean()), studies)
            tell(
                f"true {rate:.0%}, {chance:.0%} skipped, nobody does: now",
                float(at_the_end(strict).released.mean()),
                studies,
            )


def _skipping(
    rng: np.random.Generator, studies: int, people: int, rate: float, chance: float
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Verdict of the first reviewer who gives one, whether anybody did, and whether somebody skipped it before.

    Reviewers differ by 0.6 logits, and judge each prompt independently: what one skips, another may like.
    """
    logit = np.log(rate / (1 - rate)) * (1.08 if people > 1 else 1.0)
    taste = rng.normal(0, 0.6, (studies, people, 1)) if people > 1 else np.zeros((studies, 1, 1))
    taste = taste - taste.mean(axis=1, keepdims=True)
    own = _won(rng, 1 / (1 + np.exp(-(logit + taste + np.zeros((1, 1, PROMPTS))))))
    skip = (own == 0) & (rng.random(own.shape) < chance)
    turn = rng.random(own.shape).argsort(axis=1)
    own, skip = np.take_along_axis(own, turn, axis=1), np.take_along_axis(skip, turn, axis=1)
    answered = np.asarray((~skip).any(axis=1), dtype=np.bool_)
    first = np.argmax(~skip, axis=1)
    return np.take_along_axis(own, first[:, None, :], axis=1)[:, 0, :], answered, skip[:, 0, :]


def _ignoring(scores: Floats) -> NDArray[np.bool_]:
    """The rule before: unanswered prompts (NaN) move no wealth."""
    bets = fixed_bets(scores.shape[1])
    return np.asarray(log_wealth(np.nan_to_num(scores, nan=0.5), 0.5, bets).max(axis=1) >= ONCE, dtype=np.bool_)


def reviewers_crossed(rng: np.random.Generator, studies: int) -> None:
    """`people` reviewers judge the same 100 prompts; each prompt and each reviewer has a taste of their own."""
    title(
        "Reviewers crossed with 100 prompts, taste of reviewers 0.6 logits, of prompts 1 logit; the population at 50%"
    )
    studies = min(studies, 1000)
    for people in (2, 3, 5, 10):
        item, reviewer = np.repeat(np.arange(100), people), np.tile(np.arange(people), 100)
        planned = np.full(100, people)
        sizes = np.zeros(4)
        for _ in range(studies):
            logit = rng.normal(0, 0.6, people)[reviewer] + rng.normal(0, 1.0, 100)[item]
            score = (rng.random(len(item)) < 1 / (1 + np.exp(-logit))).astype(np.float64)
            found = progress(closed_prompts(item, score, planned), horizon=100, left=0)
            wide = crossed_win_rate(of_arrays(item, score.astype(np.intp), reviewer=reviewer))
            sizes += (
                covered(found.estimate),
                covered(wide),
                found.stop and not found.drifted,
                above(wide),
            )
        for name, size in zip(
            ("covers, these", "covers, like_these", "released, these", "released, like_these"), sizes, strict=True
        ):
            tell(f"{people} reviewers: {name}", float(size / studies), studies)


def chosen_afterwards(rng: np.random.Generator, studies: int) -> None:
    """150 prompts, all judged by two; then the plan is changed to the best of 11 shares of overlap."""
    title("The plan chosen after the verdicts: 150 prompts by two, best of 11 shares of overlap")
    taste = rng.beta(2, 2, (studies, 150, 1))
    verdicts = _won(rng, np.broadcast_to(taste, (studies, 150, 2)))
    any_share = np.zeros(studies, dtype=np.bool_)
    for share in np.linspace(0, 1, 11):
        two = rng.random(150) < share
        scores = np.where(two, verdicts.mean(axis=2), verdicts[:, :, 0])
        any_share |= at_the_end(scores).before
    tell("best of 11 plans: before", float(any_share.mean()), studies)
    tell("the frozen plan: now", float(at_the_end(verdicts.mean(axis=2)).released.mean()), studies)


def near_duplicates(rng: np.random.Generator, studies: int) -> None:
    title("Near-duplicates: 300 prompts in groups that are answered alike")
    for size in (3, 5, 10):
        taste = np.repeat(rng.beta(0.5, 0.5, (studies, PROMPTS // size)), size, axis=1)
        scores = _won(rng, taste)
        shuffled = np.take_along_axis(scores, rng.random(scores.shape).argsort(axis=1), axis=1)
        tell(f"groups of {size}, each prompt for itself", float(at_the_end(shuffled).released.mean()), studies)
        grouped = scores.reshape(studies, -1, size).mean(axis=2)
        tell(f"groups of {size}, the group as the unit", float(at_the_end(grouped).released.mean()), studies)


def early_stop(rng: np.random.Generator, studies: int) -> None:
    title("Early stop at the first look after 100 prompts: mean estimate of all studies")
    for rate in (0.55, 0.6, 0.65):
        plain, corrected, covers, early = [], [], [], 0
        for scores in _won(rng, np.full((studies, PROMPTS), rate)):
            crossed = log_wealth(scores, 0.5, fixed_bets(PROMPTS)) >= ONCE
            n = next((int(at) + 1 for at in np.flatnonzero(np.logical_or.accumulate(crossed)) if at >= 99), PROMPTS)
            closed = closed_prompts(np.arange(n), scores[:n], np.ones(PROMPTS, dtype=np.intp))
            found = progress(closed, horizon=PROMPTS, left=PROMPTS - n)
            better = corrected_win_rate(closed.scores, found, least=100)
            early += better is not None
            plain.append(scores[:n].mean())
            corrected.append(plain[-1] if better is None else better)
            covers.append(found.low <= rate <= found.high)
        print(
            f"  true {rate:.0%}: {early / studies:.1%} stop early; plain {np.mean(plain):.1%}, corrected "
            f"{np.mean(corrected):.1%}; the confidence sequence covers {np.mean(covers):.1%}, n={studies}",
            flush=True,
        )


if __name__ == "__main__":
    main()
