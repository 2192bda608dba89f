"""Power: how many judgements a study needs, and what a study of a given size can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from eval.errors import InputError
from eval.evidence.estimates.distributions import normal_quantile
from eval.evidence.sequential.e_process import ALPHA, Floats, fixed_bets, mixed
from eval.evidence.sequential.expected_verdicts import Design, People, score_distribution

#: Simulated studies and looks of the anytime columns: the shares they give are good to about two points.
_STUDIES, _LOOKS = 1000, 200


@dataclass(frozen=True)
class Need:
    """What one row of the plan asks for: with one look at the end, and with looks at any time."""

    win_rate: float
    margin: float
    power: float
    design: Design
    prompts: int
    judgements: int
    prompts_any_time: int
    judgements_any_time: int
    #: By then half of such studies have stopped, where one looks all the time.
    judgements_half: int


def plan(
    people: People | None = None,
    *,
    win_rates: Sequence[float] = (0.55, 0.6, 0.65),
    margins: Sequence[float] = (0.05, 0.1),
    powers: Sequence[float] = (0.8, 0.9),
    designs: Sequence[Design] = (Design(1), Design(3)),
    alpha: float = ALPHA,
    seed: int = 0,
) -> list[Need]:
    """Rows for superiority at each win rate, then for non-inferiority at each margin where both are alike (50%).

    One look: the two-sided 1 - alpha interval must lie above the bound. Any look: the one-sided anytime-valid test at
    alpha, whose verdict may come long before. Raises InputError where the figures contradict each other.
    """
    people = people or People()
    asked = [(rate, 0.0) for rate in win_rates] + [(0.5, margin) for margin in margins]
    return [
        need
        for (rate, margin), design in product(asked, designs)
        for need in _needs(people, rate, margin, powers, design, alpha, seed)
    ]


def detectable(
    prompts: int,
    people: People | None = None,
    design: Design | None = None,
    *,
    power: float = 0.8,
    alpha: float = ALPHA,
) -> float | None:
    """The smallest true win rate that this many prompts can show in one look, to 0.1%; None where 99% would not do."""
    people, design = people or People(), design or Design()
    for win_rate in np.arange(0.501, 0.9901, 0.001):
        rate = float(win_rate)
        capped = People(min(people.ties, 2 * (1 - rate)), people.both_bad, people.agreement)
        if _one_look(score_distribution(capped, rate, design), 0.5, power, alpha) <= prompts * (1 - people.both_bad):
            return round(rate, 3)
    return None


def _needs(
    people: People, rate: float, margin: float, powers: Sequence[float], design: Design, alpha: float, seed: int
) -> list[Need]:
    scores = score_distribution(people, rate, design)
    null = 0.5 - margin
    once = [_one_look(scores, null, power, alpha) for power in powers]
    studies = _Studies(scores, most=2 * max(once, default=0) + 20, seed=seed)
    needs = []
    for power, one_look in zip(powers, once, strict=True):
        found = (one_look, *_any_look(studies, null, power, one_look, alpha))
        prompts, most, half = (int(np.ceil(n / (1 - people.both_bad))) for n in found)
        one, any_time, typical = (int(np.ceil(n * design.per_prompt)) for n in (prompts, most, half))
        needs.append(Need(rate, margin, power, design, prompts, one, most, any_time, typical))
    return needs


def _one_look(scores: tuple[Floats, Floats], null: float, power: float, alpha: float) -> int:
    """Prompts at which a two-sided 1 - alpha interval lies above `null` with that power: normal, and Student's cost."""
    values, probabilities = scores
    mean = float(values @ probabilities)
    if mean <= null:
        raise InputError(f"a win rate of {mean:.0%} is not above {null:.0%}: there is nothing to show.")
    variance = float(((values - mean) ** 2) @ probabilities)
    critical = -normal_quantile(alpha / 2)
    return int(np.ceil(variance * ((critical + normal_quantile(power)) / (mean - null)) ** 2 + critical**2 / 2))


def _any_look(studies: _Studies, null: float, power: float, once: int, alpha: float) -> tuple[int, int]:
    """Prompts by which the anytime-valid test has stopped with that power, and by which half the studies have.

    The first pass finds about how many prompts that is, the second bets for a study of that size.
    """
    horizon, half = once, once
    for _ in range(2):
        stops = studies.stops(null, fixed_bets(horizon, alpha=alpha), alpha)
        horizon, half = (int(np.ceil(np.quantile(stops, share))) for share in (power, 0.5))
    return horizon, half


class _Studies:
    """Simulated studies from a fixed seed: how often each score came up by each look."""

    def __init__(self, scores: tuple[Floats, Floats], *, most: int, seed: int) -> None:
        self.values, probabilities = scores
        self.block = max(1, round(most / _LOOKS))
        drawn = np.random.default_rng(seed).multinomial(self.block, probabilities, size=(_STUDIES, _LOOKS))
        self.counts = drawn.cumsum(axis=1).astype(np.float64)

    def stops(self, null: float, bets: Floats, alpha: float) -> Floats:
        """After how many prompts each study stops, shape (studies,); one that never does counts as its last look.

        A look comes after every block of prompts, so a study stopped half a block before, on average.
        """
        gains = np.log1p(np.outer(self.values / null - 1, bets))
        crossed = mixed(np.moveaxis(self.counts @ gains, -1, 0)) >= np.log(1 / alpha)
        first = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1, _LOOKS)
        return np.asarray(first * self.block - (self.block - 1) / 2, dtype=np.float64)
