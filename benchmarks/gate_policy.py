"""How often the default policy releases a model that is no better, and how often it finds one that is.

    .venv/bin/python -m benchmarks.gate_policy [--studies 1000] [--prompts 300] [--every 10]

Every study is judged by two people, 20% of its prompts by both, with prompt effects; the whole policy is applied after
every few verdicts, and the first release ends the study. What needs no judge (parity, signals, must-pass) passes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from eval.evidence.estimates.categories import categories
from eval.evidence.estimates.winrate import Estimate
from eval.evidence.judgements import TIE, Judgements, of_arrays
from eval.evidence.verdict import run_verdict
from eval.policy import DEFAULT, Policy, read_policy
from eval.records import SIDES
from eval.release.gate.findings import Findings
from eval.release.gate.gate import outcome_of
from eval.release.gate.preference import of_verdict
from eval.release.gate.rules import apply_rules
from eval.report.tables.run_checks import Parity

TIES, KINDS, SPREAD = 0.2, 5, 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, default in (("studies", 1000), ("prompts", 300), ("every", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    policy = read_policy(DEFAULT)
    for true in (0.5, 0.55, 0.6, 0.65):
        rng = np.random.default_rng(round(1000 * true))
        ends = [released(policy, *study(rng, options.prompts, true), options.every) for _ in range(options.studies)]
        found = [end for end in ends if end is not None]
        low, high = binomtest(len(found), options.studies).proportion_ci(method="exact")
        what = "false releases" if true == 0.5 else "releases"
        said = f", half of them by {np.median(found):.0f} verdicts" if found else ""
        print(f"true win rate {true:.0%}: {what} {len(found) / options.studies:.1%} ({low:.1%} to {high:.1%}){said}")


def study(rng: np.random.Generator, prompts: int, true: float) -> tuple[Judgements, NDArray[np.intp]]:
    """Verdicts of a whole study in the order in which they are given, and the reviewers planned for each prompt."""
    planned = np.where(rng.random(prompts) < 0.2, 2, 1)
    item = np.repeat(np.arange(prompts), planned)
    first = np.concatenate([[True], item[1:] != item[:-1]])
    # Beta chances of one prompt make its verdicts agree beyond chance, with the true rate as their mean.
    spread = (1 - SPREAD) / SPREAD
    chance = rng.beta(true * spread, (1 - true) * spread, prompts)
    outcome = np.where(rng.random(len(item)) < TIES, TIE, (rng.random(len(item)) < chance[item]).astype(np.intp))
    order = rng.permutation(len(item))
    reviewer = np.where(first, item % 2, (item + 1) % 2)
    table = of_arrays(item[order], outcome[order], reviewer=reviewer[order], category=np.arange(prompts) % KINDS)
    return table, planned.astype(np.intp)


def released(policy: Policy, table: Judgements, planned: NDArray[np.intp], every: int) -> int | None:
    """After how many verdicts the policy releases; None where it never does."""
    for given in looks(len(table), every):
        part = table.where(np.arange(len(table)) < given)
        if outcome_of(apply_rules(policy, findings(part, planned)))[0] == "release":
            return given
    return None


def looks(verdicts: int, every: int) -> Iterator[int]:
    yield from range(every, verdicts, every)
    yield verdicts


def findings(table: Judgements, planned: NDArray[np.intp]) -> Findings:
    """As eval.release.gate.findings makes them from files."""
    judged = np.bincount(table.item, minlength=len(planned))
    judged = judged[judged > 0]
    verdict = run_verdict(table, {str(item): int(n) for item, n in enumerate(planned)})
    unknown = Estimate(None, None, None, 0)
    return Findings(
        preferred=of_verdict(verdict),
        verdict=verdict,
        plan_changes=(),
        unmet=(),
        largest_share=0.5,
        prompts=len(judged),
        judgements=len(table),
        reviewers=len(np.unique(table.reviewer)),
        overlap={2: float((judged >= 2).mean())},
        agreement=unknown,
        both_bad=unknown,
        categories={row.name: row.win_rate for row in categories(table).rows},
        signals=dict.fromkeys(("empty", "repetition", "truncated_more_than_base", "refusals_more_than_base"), 0.0),
        must_pass_broken=0,
        must_pass=0,
        parity=dict.fromkeys(SIDES, Parity(8, 8)),
        determinism=dict.fromkeys(SIDES, 0.0),
        policy_fixed_at="before judging",
        sides="keyed",
    )


if __name__ == "__main__":
    main()
