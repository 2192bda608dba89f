"""The rules of a policy, a line each: what was required, what was found, the outcome.

`insufficient` is for what more judging, or a check that was not made, could still settle; `fail` for what it could not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from blindside.words import confidence_words, counted
from eval.evidence.estimates.metric import with_interval
from eval.evidence.estimates.winrate import Estimate
from eval.policy import HOLDS, Policy, Signals
from eval.records import SIDES
from eval.release.gate.decision import RuleResult, Status
from eval.release.gate.findings import Findings
from eval.report.tables.run_checks import Parity
from eval.run_info import BlindingRule

#: How a limit on a signal reads.
SIGNALS: Mapping[str, str] = {
    "truncated": "tuned answers cut at the token limit",
    "truncated_more_than_base": "tuned answers cut, more than the base's",
    "empty": "empty tuned answers",
    "repetition": "tuned answers that repeat themselves",
    "refusals_more_than_base": "tuned refusals, more than the base's",
    "unchanged": "answers that training left unchanged",
}
#: How it reads what sides were computed by.
SIDES_SAID: Mapping[BlindingRule | Literal["imported"] | None, str] = {
    "imported": "not known here: verdicts were imported on pairs that were not exported from this run",
    "keyed": "computed with a secret key of the run",
    "unkeyed": "computed by an unkeyed hash of run, reviewer and item, which a reviewer could compute too",
    None: "nobody judged yet",
}


def apply_rules(policy: Policy, findings: Findings) -> list[RuleResult]:
    """Every rule that the policy asks for, in the order of the file."""
    return [rule for rules in _RULES for rule in rules(policy, findings)]


def _result(name: str, asked: str, found: str, passed: bool | None, otherwise: Status = "fail") -> RuleResult:
    """`passed` None: the data does not tell."""
    status: Status = "insufficient" if passed is None else "pass" if passed else otherwise
    return RuleResult(name=name, asked=asked, found=found, status=status)


def _fixed(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    when = findings.policy_fixed_at or "never"
    passed = when in ("before judging", "before verdicts were imported")
    yield _result("policy", "fixed before judging", f"fixed {when}", passed)


def _sides(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    asked = "computed with a secret key of the run" if policy.keyed_sides else "any rule, reported"
    passed = None if findings.sides is None else findings.sides == "keyed"
    yield _result("sides", asked, SIDES_SAID[findings.sides], passed if policy.keyed_sides else True)


def _imported(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    asked = (
        "verdicts from another tool may be used" if policy.imported else "every verdict was given on the judging page"
    )
    shown = f"{findings.imported:,} of {findings.judgements:,} judgements come from another tool and have no seal"
    passed = policy.imported or not findings.imported
    yield _result("imported", asked, shown if findings.imported else "none was imported", passed)


def _plan(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    changes = findings.plan_changes
    shown = "not recorded by the version that it was judged with" if changes is None else "as it was frozen"
    if changes is None and findings.imported == findings.judgements:
        shown = "none: the verdicts come from another tool"
    if changes:
        shown = f"the plan was changed {'; '.join(changes)}; all figures use the frozen plan"
    yield _result("plan", "frozen at the first verdict", shown, True)
    yield _result(
        "study",
        "can satisfy the policy",
        "; ".join(findings.unmet) or "it can",
        not findings.unmet,
        "insufficient",
    )


def _preference(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    asked, seen = policy.preference, findings.preferred
    how = "at one look" if policy.one_look else "at any look and by all verdicts so far"
    who = ", for reviewers like these in general" if policy.population == "like_these" else ""
    wanted = f"win rate above {policy.null:.0%}{who}, {how}, {confidence_words(asked.confidence)}" + (
        ", a model judge helping" if asked.predicted else ""
    )
    shown = with_interval(seen.estimate, nothing="no judgement yet") + (f"; {seen.advice}" if seen.advice else "")
    if seen.saved:
        shown += f"; the model judge saved about {counted(seen.saved, 'prompt')} of people's work"
    passed = True if seen.shown else False if seen.refuted or seen.spent else None
    yield _result(asked.rule.replace("_", "-"), wanted, shown, passed)


def _sweep(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    """Not a choice of the policy: whoever is one of k has its claim tested at a k-th of the level."""
    if findings.sweep is not None:
        one = findings.sweep
        shown = f"{one.candidate}, one of {counted(one.of, 'candidate')} of sweep {one.sweep}"
        level = confidence_words(policy.preference.confidence)
        yield _result(
            "sweep", "the level is corrected for the number of candidates", f"{shown}: decided at {level}", True
        )


def _conditions(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    """What else the claim rests on. What the policy only wants told passes, and stands there nevertheless."""
    by_name = {one.name: one for one in findings.verdict.conditions}
    drift = by_name["early against late"]
    yield _result(
        drift.name,
        f"do not contradict each other ({policy.drift})",
        drift.figure,
        drift.state != "contradicted" or policy.drift == "tell",
    )
    alone = by_name["without any one reviewer"]
    hangs = alone.state in ("doubt", "contradicted")
    yield _result(
        "one reviewer",
        f"the conclusion does not depend on one ({policy.leave_one_out})",
        alone.but if hangs else alone.figure,
        not hangs or policy.leave_one_out == "tell",
    )
    whose = "these reviewers" if policy.population == "these" else "reviewers like these in general"
    yield _result(
        "population",
        f"the claim is about {whose}",
        f"reviewers like these in general: {with_interval(findings.verdict.like_these, nothing='no judgement yet')}",
        True,
    )
    seen = findings.verdict
    safe = None if seen.worst.low is None else by_name["skips"].state == "fine"
    noted = policy.skips == "tell" or not findings.preferred.shown
    yield _result(
        "skips",
        f"the claim holds if all that was skipped goes to base ({policy.skips})",
        _skips(findings),
        True if noted else safe,
        "fail" if findings.preferred.spent else "insufficient",
    )
    for name in policy.hold_on:
        one = by_name[HOLDS[name]]
        yield _result(one.name, "not contradicted", one.figure, one.state != "contradicted")
    if policy.max_share_per_reviewer is not None:
        asked, share = f"{policy.max_share_per_reviewer:.0%} or fewer of the judgements by one", findings.largest_share
        passed = share <= policy.max_share_per_reviewer
        yield _result("share of one reviewer", asked, f"{share:.1%}", passed, "insufficient")


def _skips(findings: Findings) -> str:
    seen = findings.verdict
    (one,) = (one for one in seen.conditions if one.name == "skips")
    if one.figure == "none":
        return "nobody skipped a prompt for good"
    bounds = f"{with_interval(seen.worst)} if all went to base, {with_interval(seen.best)} if all went to tuned"
    lack = counted(seen.progress.skipped, "lacks", "lack")
    return f"{one.figure.partition(';')[0]}, of which {lack} a verdict: {bounds}"


def _enough(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    yield _at_least("prompts", policy.prompts, findings.prompts, "judged")
    if findings.near or findings.clustered:
        alike = counted(findings.near, "prompt asks", "prompts ask")
        shown = f"{alike} nearly the same as another one, each counted by itself"
        shown = "prompts of one cluster count as one unit" if findings.clustered else shown
        yield _result("near-duplicates", "reported", shown, True)
    yield _at_least("reviewers", policy.reviewers, findings.reviewers, "")
    if policy.overlap is not None:
        share = findings.overlap.get(policy.overlap.reviewers, 0.0)
        asked = (
            f"{policy.overlap.share:.0%} of judged prompts by {counted(policy.overlap.reviewers, 'reviewer')} or more"
        )
        yield _result(
            "overlap", asked, f"{share:.1%} (n={findings.prompts})", share >= policy.overlap.share, "insufficient"
        )


def _at_least(name: str, asked: int, found: int, what: str) -> RuleResult:
    return _result(name, f"{asked} or more {what}".strip(), str(found), found >= asked, "insufficient")


def _people(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    if policy.agreement is not None:
        value = findings.agreement.value
        passed = None if value is None else value >= policy.agreement
        shown = "undefined" if value is None else _number(findings.agreement)
        yield _result("agreement", f"Krippendorff's alpha {policy.agreement:g} or more", shown, passed)
    if policy.both_bad is not None:
        value = findings.both_bad.value
        passed = None if value is None else value <= policy.both_bad
        yield _result(
            "both bad", f"{policy.both_bad:.1%} of judgements or fewer", with_interval(findings.both_bad), passed
        )


def _categories(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    if policy.categories is None:
        return
    asked = policy.categories
    large = {name: one for name, one in findings.categories.items() if one.n >= asked.prompts}
    low = [
        f"{name}: {with_interval(one)}"
        for name, one in large.items()
        if one.high is not None and one.high < asked.floor
    ]
    small = len(findings.categories) - len(large)
    shown = "; ".join(low) or f"none of {len(large)}" + (f", {small} too small to tell" if small else "")
    yield _result(
        "categories",
        f"none wholly below {asked.floor:.0%} ({counted(asked.prompts, 'prompt')} or more)",
        shown,
        not low,
    )


def _signals(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    limits: Signals = policy.signals
    for name, words in SIGNALS.items():
        limit: float | None = getattr(limits, name)
        if limit is not None:
            value = findings.signals.get(name)
            passed = None if value is None else value <= limit
            shown = "not known" if value is None else f"{value:.1%}"
            yield _result(name.replace("_", " "), f"{words}: {limit:.1%} or fewer", shown, passed)
    if limits.length_ratio is not None:
        ratio = findings.signals.get("length_ratio")
        least, most = limits.length_ratio
        passed = None if ratio is None else least <= ratio <= most
        shown = "not known" if ratio is None else f"{ratio:.2f}"
        yield _result("length ratio", f"tuned over base {least:g} to {most:g}", shown, passed)


def _must_pass(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    if policy.must_pass_broken is None:
        return
    asked = f"{policy.must_pass_broken} or fewer broken"
    if findings.must_pass == 0:
        yield _result("must-pass prompts", asked, "no prompt has `expect`", True)
        return
    broken = findings.must_pass_broken
    passed = None if broken is None else broken <= policy.must_pass_broken
    shown = "not known" if broken is None else f"{broken} of {findings.must_pass}"
    yield _result("must-pass prompts", asked, shown, passed)


def _servers(policy: Policy, findings: Findings) -> Iterator[RuleResult]:
    if policy.parity:
        sides = {side: findings.parity.get(side, Parity()) for side in SIDES}
        states = [one.holds for one in sides.values()]
        passed = False if False in states else None if None in states else True
        shown = ", ".join(f"{side}: {one.in_short}" for side, one in sides.items())
        yield _result("parity", "both servers serve the saved models", shown, passed)
    if policy.determinism is not None:
        shares = [findings.determinism.get(side) for side in SIDES]
        known = [share for share in shares if share is not None]
        passed = False if any(s > policy.determinism for s in known) else None if len(known) < len(SIDES) else True
        shown = ", ".join(
            f"{side}: {'not checked' if share is None else f'{share:.1%}'}"
            for side, share in zip(SIDES, shares, strict=True)
        )
        yield _result("determinism", f"{policy.determinism:.1%} or fewer change when asked again", shown, passed)


def _number(estimate: Estimate) -> str:
    low, high = estimate.low, estimate.high
    interval = "" if low is None or high is None else f", {low:.2f} to {high:.2f}"
    return f"{estimate.value:.2f}{interval} (n={estimate.n})"


_RULES: tuple[Callable[[Policy, Findings], Iterator[RuleResult]], ...] = (
    _fixed,
    _sides,
    _imported,
    _plan,
    _preference,
    _sweep,
    _conditions,
    _enough,
    _people,
    _categories,
    _signals,
    _must_pass,
    _servers,
)
