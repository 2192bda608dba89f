"""Checks before judging whether a study can satisfy the gate's policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil

from blindside.words import counted
from eval.judge.setup.begin import JudgingSetup
from eval.judge.setup.near_duplicates import near_duplicate_notes
from eval.judge.study.study import Study
from eval.policy import Policy, policy_of

#: A policy can be given again until the first verdict.
_NOW = " (`judge --policy gate.yml`) before anybody judges"


def notes(setup: JudgingSetup) -> list[str]:
    """What to say before anybody judges: `unmet_rules`, and prompts that ask nearly the same. Raises InputError."""
    return [
        *unmet_rules(policy_of(setup.marked.run), setup.study, setup.plan.reviewers),
        *near_duplicate_notes(setup.near),
    ]


def unmet_rules(policy: Policy, study: Study, planned: Mapping[str, int]) -> Iterator[str]:
    """What the policy asks for and the study cannot give, a sentence with its remedy each.

    `planned`: item -> reviewers, for every pair that people are asked. Nothing for thumbs, which no gate reads.
    """
    if study.mode == "thumbs":
        return
    pairs, most = len(planned), max(planned.values(), default=0)
    if pairs < policy.prompts:
        yield (
            f"the policy requires {counted(policy.prompts, 'judged prompt')}, and the study has {pairs}: "
            f"collect more prompts, or put `prompts: {pairs}` into gate.yml{_NOW}"
        )
    if policy.overlap is not None:
        wanted = policy.overlap
        share = sum(n >= wanted.reviewers for n in planned.values()) / max(1, pairs)
        if share < wanted.share:
            yield (
                f"the gate asks for {counted(wanted.reviewers, 'reviewer')} on {wanted.share:.0%} of the prompts, "
                f"and the study gives them to {share:.0%}: judge with `--overlap {wanted.reviewers} --overlap-share "
                f"{min(1.0, 2 * wanted.share):g}`, or put `overlap: null` into gate.yml{_NOW}"
            )
    if policy.agreement is not None and most < 2:
        yield (
            "the policy requires agreement, and no pair is judged by two reviewers: judge with "
            f"`--overlap 2 --overlap-share 0.2`, or put `agreement: null` into gate.yml{_NOW}"
        )
    if policy.preference.predicted and study.sample >= 1:
        yield (
            "the policy uses a model judge, and people judge every prompt: put `sample: 0.5` into "
            f"study.yml, or `predicted: false` into gate.yml{_NOW}"
        )
    people = 1 if policy.max_share_per_reviewer is None else ceil(1 / policy.max_share_per_reviewer)
    needed = max(policy.reviewers, 2 if policy.population == "like_these" else 1)
    if people > needed:
        yield (
            f"the gate asks for {counted(needed, 'reviewer')}, none with more than "
            f"{policy.max_share_per_reviewer:.0%} of the judgements: that takes {people} reviewers or "
            f"more; put `reviewers: {people}` into gate.yml{_NOW}"
        )
