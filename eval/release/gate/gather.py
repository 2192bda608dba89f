"""From a run's files to what the gate looks at: every figure comes from eval.evidence, this brings them together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blindside.words import counted
from eval.answers import read_answers
from eval.evidence.estimates.categories import categories
from eval.evidence.estimates.counts import prompt_counts
from eval.evidence.estimates.winrate import both_bad_shares, win_rate
from eval.evidence.judgements import build_table
from eval.evidence.reviewers.agreement import coefficients
from eval.evidence.signals.answer_signals import expected, measure
from eval.judge.opening.fits import unmet
from eval.judge.opening.plan import asked_of, is_judged, rule_of
from eval.judge.study.study import read_frozen
from eval.policy import Policy
from eval.records import SIDES, Side, Verdict
from eval.release.gate.findings import Findings
from eval.release.gate.preference import preferred
from eval.report.tables.run_checks import parity
from eval.run import Run


def gather(run: Run, policy: Policy, rows: Sequence[Verdict]) -> Findings:
    """`rows` are those of verdicts.csv. Raises InputError for files that cannot be trusted."""
    answers, prompts = read_answers(run.responses_path), run.prompts()
    table, _ = build_table(run, answers, rows)
    judged, signals = table.judged, measure(answers.pairs(prompts), expected(prompts))
    claim, verdict = preferred(run, answers, table, policy)
    by_reviewer = np.bincount(table.reviewer, minlength=1)
    counts = prompt_counts(table.item, table.outcome, len(table.items)).per_prompt
    return Findings(
        preferred=claim,
        verdict=verdict,
        plan_changes=_changes(run),
        unmet=tuple(unmet(policy, read_frozen(run.folder), asked_of(run, answers))),
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
        sides="imported" if any(not one.exported for one in run.info.imports) else rule_of(run),
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
