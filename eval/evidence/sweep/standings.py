"""Standings of a sweep's candidates from the verdicts of their runs: the race, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from eval.answers import Answers, read_answers
from eval.evidence.build_judgements import build_judgements
from eval.evidence.estimates.bootstrap import SignedEstimate, signed_bootstrap
from eval.evidence.judgements import Judgements, by_cluster, prompt_means
from eval.evidence.sequential.plan_progress import judgements_left, plan_by_cluster
from eval.evidence.sequential.racing import Entrant, Race, race
from eval.evidence.sequential.sequential import closed_in
from eval.judge.setup.planning import planned_reviewers
from eval.judge.store.verdict_files import read_verdicts
from eval.policy import policy_of
from eval.records import Verdict, utc_now
from eval.run import Run
from eval.sweep import Dropped, Sweep


@dataclass(frozen=True)
class Difference:
    """The first candidate's win rate less the second one's, on the prompts that both were judged on."""

    first: str
    second: str
    change: SignedEstimate


@dataclass(frozen=True)
class Standings:
    """`race` with joint bounds; the `verdicts` that count, and how many are `left` by the plan, of each candidate."""

    race: Race
    verdicts: Mapping[str, tuple[Verdict, ...]]
    left: Mapping[str, int]
    differences: tuple[Difference, ...]

    @property
    def over(self) -> bool:
        """Whether nobody needs to be asked any more: one is left, or all that run are judged by the plan."""
        return len(self.race.running) == 1 or not any(self.left[name] for name in self.race.running)


def standings(sweep: Sweep, runs: Mapping[str, Run], answers: Mapping[str, Answers] | None = None) -> Standings:
    """Where the candidates stand now; `answers` of each run where they were read before.

    Raises InputError for files that cannot be trusted.
    """
    answers = answers or {name: read_answers(run.responses_path) for name, run in runs.items()}
    plans = {name: planned_reviewers(run, answers[name]) for name, run in runs.items()}
    read = {
        name: build_judgements(run, answers[name], read_verdicts(run.verdicts_path, run=run.name))
        for name, run in runs.items()
    }
    tables = {name: table for name, (table, _) in read.items()}
    units = {name: by_cluster(table) for name, table in tables.items()}
    planned = {name: plan_by_cluster(tables[name], plan) for name, plan in plans.items()}
    entrants = {
        name: Entrant(closed_in(units[name], planned[name]), len(planned[name]), tables[name].identical)
        for name in runs
    }
    first = next(iter(runs.values()))
    alpha = (1 - policy_of(first).preference.confidence) * (first.info.sweep.of if first.info.sweep else 1)
    gone = {one.candidate: one.why for one in sweep.dropped if one.candidate in runs}
    seen = race(entrants, of=sweep.of, rule=sweep.race, alpha=alpha, gone=gone)
    return Standings(
        race=seen,
        verdicts={name: tuple(rows) for name, (_, rows) in read.items()},
        left={name: judgements_left(units[name], planned[name]) for name in runs},
        differences=differences(units, seen.running + tuple(name for name in seen.bounds if name in seen.dropped)),
    )


def newly_dropped(sweep: Sweep, seen: Standings) -> tuple[Dropped, ...]:
    """Those that sweep.json does not have yet, for good."""
    known = {one.candidate for one in sweep.dropped}
    now = utc_now()
    return tuple(
        Dropped(candidate=name, at=now, why=why, prompts=bounds.n, low=bounds.low, high=bounds.high)
        for name, why, bounds in ((name, why, seen.race.bounds[name]) for name, why in seen.race.dropped.items())
        if name not in known
    )


def differences(tables: Mapping[str, Judgements], names: Sequence[str]) -> tuple[Difference, ...]:
    """Of each two candidates, paired on shared prompts; joint at 95% over all pairs (Bonferroni)."""
    means = {name: _means(table) for name, table in tables.items()}
    pairs = list(combinations(names, 2))
    found = []
    for first, second in pairs:
        shared = sorted(means[first].keys() & means[second].keys())
        change = np.array([means[first][item] - means[second][item] for item in shared])
        found.append(Difference(first, second, signed_bootstrap(change, confidence=1 - 0.05 / len(pairs))))
    return tuple(found)


def _means(table: Judgements) -> dict[str, float]:
    values = prompt_means(table.item, table.score, len(table.items)).tolist()
    return {item: value for item, value in zip(table.items, values, strict=True) if value == value}
