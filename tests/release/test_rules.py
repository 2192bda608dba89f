"""Each rule by figures made for it: what passes, what holds a release back, and what only lacks evidence."""

from __future__ import annotations

import dataclasses
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from blindside.console import terminal
from eval.evidence.estimates.winrate import Estimate
from eval.evidence.judgements import of_arrays
from eval.evidence.verdict import RunVerdict, run_verdict
from eval.policy import DEFAULT, Policy, Preference, Signals, read_policy
from eval.records import Side
from eval.release.gate.decision import Decision, Headline, RuleResult, Status
from eval.release.gate.findings import Findings
from eval.release.gate.gate import outcome_of
from eval.release.gate.outputs import junit, markdown, print_decision
from eval.release.gate.preference import PreferenceResult
from eval.release.gate.rules import apply_rules
from eval.report.tables.run_checks import Parity


def verdict_on(outcomes: list[int], **changes: Any) -> RunVerdict:
    """The verdict on prompts that two people judged in turn; 1 tuned, 0 base."""
    n = len(outcomes)
    seconds = changes.pop("seconds", 4.0)
    table = of_arrays(np.arange(n), outcomes, reviewer=np.arange(n) % 2, seconds=np.full(n, seconds))
    return run_verdict(dataclasses.replace(table, **changes), {str(item): 1 for item in range(n)})


GOOD = Findings(
    preferred=PreferenceResult(Estimate(0.62, 0.55, 0.69, 150), shown=True, refuted=False, spent=False),
    verdict=verdict_on([1, 1, 1, 0, 1, 1, 0] * 20),
    plan_changes=(),
    unmet=(),
    largest_share=0.5,
    prompts=150,
    judgements=180,
    reviewers=3,
    overlap={1: 1.0, 2: 0.2},
    agreement=Estimate(0.4, 0.2, 0.6, 30),
    both_bad=Estimate(0.05, 0.02, 0.1, 150),
    categories={"facts": Estimate(0.7, 0.5, 0.8, 40), "odd": Estimate(0.1, 0.0, 0.4, 3)},
    signals={"empty": 0.0, "repetition": 0.0, "truncated_more_than_base": -0.1, "refusals_more_than_base": 0.0},
    must_pass_broken=0,
    must_pass=10,
    parity={"base": Parity(8, 8), "tuned": Parity(8, 8)},
    determinism={"base": 0.0, "tuned": 0.0},
    policy_fixed_at="before judging",
    sides="keyed",
)


def statuses(policy: Policy | None = None, **changes: Any) -> dict[str, Status]:
    found = dataclasses.replace(GOOD, **changes)
    return {rule.name: rule.status for rule in apply_rules(policy or Policy(), found)}


def preferred(*, refuted: bool = False, spent: bool = False) -> PreferenceResult:
    return PreferenceResult(Estimate(0.5, 0.4, 0.6, 80), shown=False, refuted=refuted, spent=spent)


def test_good_figures_pass_every_rule_of_the_default() -> None:
    found = statuses(Policy(signals=Signals(empty=0.01, repetition=0.02, truncated_more_than_base=0.05)))
    assert set(found.values()) == {"pass"}
    assert len(found) == 23


def test_sides_that_a_reviewer_could_compute_are_said_and_held_against_a_policy_that_asks_for_a_key() -> None:
    words = "computed by an unkeyed hash of run, reviewer and item, which a reviewer could compute too"
    unkeyed = dataclasses.replace(GOOD, sides="unkeyed")
    for asked, found, seen in (
        (True, unkeyed, ("fail", words)),
        (False, unkeyed, ("pass", words)),
        (True, dataclasses.replace(GOOD, sides=None), ("insufficient", "nobody judged yet")),
    ):
        (rule,) = (rule for rule in apply_rules(Policy(keyed_sides=asked), found) if rule.name == "sides")
        assert (rule.status, rule.found) == seen
    assert read_policy(DEFAULT).keyed_sides


@pytest.mark.parametrize(
    ("changes", "rule", "status"),
    [
        ({"preferred": preferred(refuted=True)}, "superiority", "fail"),
        ({"preferred": preferred(spent=True)}, "superiority", "fail"),
        ({"preferred": preferred()}, "superiority", "insufficient"),
        ({"unmet": ("the gate asks for more",)}, "study", "insufficient"),
        ({"verdict": verdict_on([1] * 70 + [0] * 40)}, "early against late", "fail"),
        ({"verdict": verdict_on([1, 1, 1, 0] * 30, seconds=0.2)}, "speed", "fail"),
        ({"verdict": verdict_on([1, 1, 1, 0] * 30, passed_over=frozenset("0123"))}, "skips", "pass"),
        (
            {"verdict": verdict_on([1, 1, 1, 0] * 30, passed_over=frozenset(map(str, range(50))))},
            "skips",
            "insufficient",
        ),
        ({"prompts": 99}, "prompts", "insufficient"),
        ({"reviewers": 1}, "reviewers", "insufficient"),
        ({"overlap": {1: 1.0, 2: 0.05}}, "overlap", "insufficient"),
        ({"overlap": {}}, "overlap", "insufficient"),
        ({"categories": {"facts": Estimate(0.3, 0.2, 0.49, 40)}}, "categories", "fail"),
        ({"must_pass_broken": 1}, "must-pass prompts", "fail"),
        ({"must_pass_broken": None}, "must-pass prompts", "insufficient"),
        ({"must_pass_broken": None, "must_pass": 0}, "must-pass prompts", "pass"),
        ({"parity": {"base": Parity(8, 8), "tuned": Parity(8, 7, failed=("weights",))}}, "parity", "fail"),
        (
            {"parity": {"base": Parity(8, 8), "tuned": Parity(8, 7, unchecked=("end of turn",))}},
            "parity",
            "insufficient",
        ),
        ({"parity": {}}, "parity", "insufficient"),
        ({"determinism": {"base": 0.0, "tuned": 0.1}}, "determinism", "fail"),
        ({"determinism": {"base": 0.0, "tuned": None}}, "determinism", "insufficient"),
        ({"policy_fixed_at": "after judging began"}, "policy", "fail"),
        ({"policy_fixed_at": ""}, "policy", "fail"),
    ],
)
def test_one_figure_changes_one_rule(changes: dict[str, Any], rule: str, status: Status) -> None:
    found = statuses(**changes)
    assert found.pop(rule) == status
    assert set(found.values()) == {"pass"}


def test_what_was_not_checked_is_named() -> None:
    parity: dict[Side, Parity] = {
        "base": Parity(7, 7, notes=("never ends its turn",)),
        "tuned": Parity(8, 7, unchecked=("end of turn",)),
    }
    [rule] = [rule for rule in apply_rules(Policy(), dataclasses.replace(GOOD, parity=parity)) if rule.name == "parity"]
    assert (rule.status, rule.found) == ("insufficient", "base: passed, tuned: not checked: end of turn")


@pytest.mark.parametrize(
    ("policy", "changes", "rule", "status"),
    [
        (Policy(max_share_per_reviewer=0.4), {}, "share of one reviewer", "insufficient"),
        (Policy(agreement=0.5), {}, "agreement", "fail"),
        (Policy(agreement=0.3), {}, "agreement", "pass"),
        (Policy(agreement=0.3), {"agreement": Estimate(None, None, None, 0)}, "agreement", "insufficient"),
        (Policy(both_bad=0.01), {}, "both bad", "fail"),
        (Policy(both_bad=0.1), {}, "both bad", "pass"),
        (Policy(signals=Signals(empty=0.01)), {"signals": {"empty": 0.02}}, "empty", "fail"),
        (Policy(signals=Signals(empty=0.01)), {"signals": {}}, "empty", "insufficient"),
        (Policy(signals=Signals(length_ratio=(0.5, 2))), {"signals": {"length_ratio": 3.0}}, "length ratio", "fail"),
        (Policy(signals=Signals(length_ratio=(0.5, 2))), {"signals": {"length_ratio": 1.0}}, "length ratio", "pass"),
    ],
)
def test_rules_that_the_default_does_not_ask_for(
    policy: Policy, changes: dict[str, Any], rule: str, status: Status
) -> None:
    assert statuses(policy, **changes)[rule] == status
    assert rule not in statuses(Policy())


def test_the_margin_and_the_method_are_said() -> None:
    asked = Policy(preference=Preference(rule="non_inferiority", margin=0.1, method="fixed"))
    rule = next(rule for rule in apply_rules(asked, GOOD) if rule.name == "non-inferiority")
    assert rule.asked == "win rate above 40%, at one look, 95%"
    assert rule.found == "62.0%, 55.0% to 69.0% (n=150)"


def result(name: str, status: Status) -> RuleResult:
    return RuleResult(name=name, asked="a | b", found="<c>\x00", status=status)


def test_a_failed_rule_outweighs_an_open_one() -> None:
    assert outcome_of([result("a", "pass")])[0] == "release"
    assert outcome_of([result("a", "pass"), result("b", "insufficient")])[0] == "insufficient"
    assert outcome_of([result("a", "fail"), result("b", "insufficient")])[0] == "hold"


def test_what_ci_reads_never_shows_an_open_rule_as_a_pass() -> None:
    rules = (result("a", "pass"), result("b", "fail"), result("c", "insufficient"))
    decision = Decision(
        run="r`un|",
        decision="hold",
        reasons=("b: because",),
        rules=rules,
        headline=Headline(),
        bound={"verdicts.csv": "f" * 64},
        policy_sha256="a" * 64,
        decided_at="2026-01-31T12:00:00.000Z",
    )
    suite = ElementTree.fromstring(junit(decision))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    assert [[child.tag for child in case] for case in suite] == [[], ["failure"], ["error"]]
    text = markdown(decision)
    assert "## Hold: do not release: `r'un¦`" in text
    assert text.count("a \\| b") == 3
    console = terminal(width=120, record=True, force_terminal=False)
    print_decision(decision, console)
    assert "Hold: do not release." in console.export_text()
