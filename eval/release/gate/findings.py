"""The gate's inputs: every figure that a rule of the policy may ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from blindside.words import counted
from eval.answers import read_answers
from eval.evidence.build_judgements import build_judgements
from eval.evidence.estimates.categories import categories
from eval.evidence.estimates.counts import prompt_counts
from eval.evidence.estimates.winrate import Estimate, both_bad_shares, win_rate
from eval.evidence.reviewers.agreement import coefficients
from eval.evidence.signals.answer_signals import expected, measure
from eval.evidence.verdict import RunVerdict
from eval.judge.setup.frozen_study import is_judged
from eval.judge.setup.planning import asked_reviewers, blinding_rule
from eval.judge.setup.policy_check import unmet_rules
from eval.judge.study.study import read_frozen
from eval.policy import Policy
from eval.records import SIDES, Side, Verdict
from eval.release.gate.preference import PreferenceResult, preferred
from eval.report.tables.run_checks import Parity, parity
from eval.run import Run
from eval.run_info import BlindingRule, SweepMember


@dataclass(frozen=True)
class Findings:
    """Figures of one run. Shares are in [0, 1]; None stands for what the data does not tell."""

    preferred: PreferenceResult
    verdict: RunVerdict
    #: What was changed of the plan after it was frozen, a sentence each; None where no hash of it was taken.
    plan_changes: tuple[str, ...] | None
    #: What the study that is asked cannot give the policy, a sentence with its remedy each.
    unmet: tuple[str, ...]
    #: The largest share of the judgements that one reviewer gave.
    largest_share: float
    prompts: int
    judgements: int
    reviewers: int
    #: Share of the judged prompts with at least this many reviewers, for every number up to the largest.
    overlap: Mapping[int, float]
    agreement: Estimate
    both_bad: Estimate
    #: Win rate per category with its interval corrected for looking at many.
    categories: Mapping[str, Estimate]
    #: Signals by the policy's names.
    signals: Mapping[str, float | None]
    must_pass_broken: int | None
    must_pass: int
    parity: Mapping[Side, Parity]
    determinism: Mapping[Side, float | None]
    policy_fixed_at: str
    #: What the sides of the verdicts were computed by; None where nobody judged.
    sides: BlindingRule | Literal["imported"] | None
    #: How many prompts ask nearly the same as another one, and how many clusters are units.
    near: int = 0
    clustered: bool = False
    #: How many of the judgements were given elsewhere and imported.
    imported: int = 0
    #: Which candidate of which sweep the run is; None where it is none.
    sweep: SweepMember | None = None
    #: Everything left out of the statistics, by reason.
    excluded: Mapping[str, int] = field(default_factory=dict)


def read_findings(run: Run, policy: Policy, rows: Sequence[Verdict]) -> Findings:
    """`rows` are those of verdicts.csv. Raises InputError for files that cannot be trusted."""
    answers, prompts = read_answers(run.responses_path), run.prompts()
    table, _ = build_judgements(run, answers, rows)
    judged, signals = table.judged, measure(answers.pairs(prompts), expected(prompts))
    claim, verdict = preferred(run, answers, table, policy)
    by_reviewer = np.bincount(table.reviewer, minlength=1)
    counts = prompt_counts(table.item, table.outcome, len(table.items)).per_prompt
    return Findings(
        preferred=claim,
        verdict=verdict,
        plan_changes=_changes(run),
        unmet=tuple(unmet_rules(policy, read_frozen(run.folder), asked_reviewers(run, answers))),
        largest_share=float(by_reviewer.max() / max(1, len(table))),
        prompts=len(table.items),
        judgements=len(table),
        reviewers=len(table.reviewers),
        overlap={k: float((judged >= k).mean()) for k in range(1, int(judged.max(initial=0)) + 1)},
        agreement=coefficients(counts).alpha,
        both_bad=win_rate(both_bad_shares(table)),
        categories={row.name or "no category": row.win_rate for row in categories(table).rows},
        signals=signals.limits,
        must_pass_broken=signals.must_pass.broken,
        must_pass=signals.must_pass.n,
        parity={side: parity(run, side) for side in SIDES},
        determinism={side: _flipped(run, side) for side in SIDES},
        policy_fixed_at=run.info.policy_fixed_at,
        sides="imported" if any(not one.exported for one in run.info.imports) else blinding_rule(run),
        near=run.info.near,
        clustered=bool(table.clusters),
        imported=table.imported,
        sweep=run.info.sweep,
        excluded=table.excluded,
    )


def _changes(run: Run) -> tuple[str, ...] | None:
    if is_judged(run) and not run.info.plan_sha256:
        return None
    return tuple(f"after {counted(one.rows, 'verdict')} ({one.at}): {one.what}" for one in run.info.plan_changes)


def _flipped(run: Run, side: Side) -> float | None:
    """Share of a side's answers that changed when they were asked again; None where nothing was asked again."""
    record = run.info.checks.determinism.get(side)
    return None if record is None or not record.asked else record.flipped / record.asked
