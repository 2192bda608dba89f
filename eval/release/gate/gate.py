"""Decides on a run: release, hold, or insufficient evidence; files that cannot be trusted stop it."""

from __future__ import annotations

from blindside.garbage import collected_later
from eval.collect.provenance import versions
from eval.errors import StaleInputs
from eval.judge.store.verdict_files import read_rows
from eval.policy import policy_of
from eval.records import Verdict, utc_now
from eval.release.gate.decision import (
    Decision,
    Headline,
    Outcome,
    RuleResult,
    decision_path,
    read_decision,
    write_decision,
)
from eval.release.gate.findings import Findings, read_findings
from eval.release.gate.outputs import write_outputs
from eval.release.gate.rules import apply_rules
from eval.release.gate.stale import changed_rows, changed_since_asked, hash_inputs
from eval.report.write_report import write_errors_named
from eval.run import Run


def decide(run: Run) -> Decision:
    """Apply the run's policy, write decision.json and what CI reads, return the decision.

    Raises StaleInputs where a model, the policy or a verdict is not what it was when people judged; InputError (file,
    line, field) for inputs that are broken. An earlier decision stays then as it was.
    """
    if not run.info.policy_sha256:
        raise StaleInputs(f"run {run.name} has no policy: fix one with `blindside gate {run.name} --policy gate.yml`")
    bound = hash_inputs(run)
    file = read_rows(run.verdicts_path, Verdict, run=run.name)
    rows = file.rows
    if rows and not run.responses_path.is_file():
        raise StaleInputs(f"{run.responses_path} is gone, so nobody can tell what was judged: restore the file")
    before = read_decision(run.folder) if decision_path(run.folder).exists() else None
    stale = changed_since_asked(run, bound) + changed_rows(run, file, before)
    if stale:
        raise StaleInputs("; ".join(stale))
    policy = policy_of(run)
    with collected_later():
        findings = read_findings(run, policy, rows)
    rules = apply_rules(policy, findings)
    outcome, reasons = outcome_of(rules)
    decision = Decision(
        run=run.name,
        decision=outcome,
        reasons=reasons,
        rules=tuple(rules),
        headline=headline(findings, policy.preference.confidence),
        bound=bound,
        policy_sha256=run.info.policy_sha256,
        decided_at=utc_now(),
        versions=versions(),
        extra={
            "excluded": dict(findings.excluded),
            "last_seal": next((row.seal for row in reversed(rows) if not row.imported), ""),
        },
    )
    with write_errors_named(run.folder):
        write_decision(run.folder, decision)
        write_outputs(run.report_folder, decision)
    return decision


def outcome_of(rules: list[RuleResult]) -> tuple[Outcome, tuple[str, ...]]:
    """One failed rule holds a release back; without one, a rule that is still open leaves the evidence insufficient."""
    failed = [rule for rule in rules if rule.status == "fail"]
    if failed:
        return "hold", tuple(f"{rule.name}: {rule.found}" for rule in failed)
    missing = [rule for rule in rules if rule.status == "insufficient"]
    if missing:
        return "insufficient", tuple(f"{rule.name}: {rule.found}; required: {rule.asked}" for rule in missing)
    return "release", ()


def headline(findings: Findings, confidence: float) -> Headline:
    """The figures that a model card carries."""
    rate, verdict = findings.preferred.estimate, findings.verdict
    stopped = verdict.corrected is not None and verdict.state == "shown"
    return Headline(
        sentence=verdict.headline,
        win_rate=rate.value,
        as_counted=verdict.rate.value,
        stopped_at=verdict.progress.early if stopped else None,
        like_these_low=verdict.like_these.low,
        like_these_high=verdict.like_these.high,
        population=verdict.policy.population,
        low=rate.low,
        high=rate.high,
        confidence=confidence,
        prompts=findings.prompts,
        judgements=findings.judgements,
        reviewers=findings.reviewers,
        agreement=findings.agreement.value,
        both_bad=findings.both_bad.value,
    )
