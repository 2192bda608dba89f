"""The verdict of a run: the claim and its conditions, as one sentence that report, pages, gate and card repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from blindside.words import confidence_words, counted
from eval.evidence.conditions import Condition, conditions, objections, skips
from eval.evidence.estimates.crossed import crossed_win_rate
from eval.evidence.estimates.metric import with_interval
from eval.evidence.estimates.winrate import Estimate, prompt_scores, win_rate
from eval.evidence.judgements import Judgements, by_cluster, prompt_means
from eval.evidence.sequential.e_process import Floats
from eval.evidence.sequential.early_stop import corrected_win_rate
from eval.evidence.sequential.plan_progress import (
    judgements_left,
    plan_by_cluster,
    plan_progress,
    skipped_open,
    within_plan,
)
from eval.evidence.sequential.sequential import Progress, State, closed_in
from eval.policy import Policy


@dataclass(frozen=True)
class RunVerdict:
    """What verdicts by the frozen plan say of the policy's claim; those beyond it do not enter."""

    policy: Policy
    #: For these reviewers, and for reviewers like these; both for one look.
    rate: Estimate
    like_these: Estimate
    progress: Progress
    #: The estimate corrected for stopping early; None where the plan was judged to its end, or nothing is shown.
    corrected: float | None
    judgements: int
    reviewers: int
    #: Judgements that are missing on prompts that nobody skipped.
    due: int
    #: If every prompt that somebody skipped, and has not judged since, went to base, or to tuned.
    worst: Estimate
    best: Estimate
    conditions: tuple[Condition, ...]

    @property
    def null(self) -> float:
        return self.progress.null

    @property
    def one_look(self) -> bool:
        return self.policy.one_look

    @property
    def state(self) -> State:
        if not self.one_look:
            return self.progress.state
        if self.due or (self.policy.population == "like_these" and self.progress.left):
            return "open"
        rate = self.like_these if self.policy.population == "like_these" else self.progress.estimate
        if rate.low is not None and rate.low > self.null:
            return "shown"
        return "not shown" if not self.progress.left else "open"

    @property
    def advice(self) -> str:
        """What to do next, as half a sentence."""
        if self.rate.value is None and self.judgements:
            return "nothing to decide by, since no verdict prefers a side or ties"
        if not self.one_look:
            return self.progress.in_words
        if self.state == "open":
            skipped = f", {self.progress.skipped} of the prompts were skipped" if self.progress.skipped else ""
            return f"{missing(self.progress.left or 0)}{skipped}"
        return "every planned judgement is given, and it is not shown" if self.state == "not shown" else "shown"

    @property
    def interim(self) -> bool:
        """Whether the plan still holds judgements that the claim waits for."""
        return bool(self.progress.left) and self.state in ("open", "weaker")

    @property
    def quoted(self) -> Estimate:
        """The estimate that a headline quotes: after an early stop the corrected one, with the confidence sequence."""
        if self.corrected is None or self.state != "shown":
            return self.rate
        return Estimate(self.corrected, self.progress.low, self.progress.high, self.progress.n)

    @property
    def headline(self) -> str:
        """The finding as one sentence, made from all conditions."""
        if self.rate.value is None:
            if self.judgements:
                who = "The one verdict" if self.judgements == 1 else f"All {self.judgements} verdicts"
                return f"{who} found both answers bad: nothing can be said of preference."
            return "No judgement yet that prefers a side or ties: judge some pairs first."
        sentence = f"{self._figure}{self._claim}."
        doubts = list(objections(self.conditions, "doubt"))
        return f"{sentence} Doubts: {'; '.join(doubts)}." if doubts and self.rate.low is not None else sentence

    @property
    def two_claims(self) -> str:
        """The interval for these reviewers beside the one for reviewers like these."""
        if not self.reviewers:
            return "Nobody judged yet."
        who = f"{self._these[0].upper()}{self._these[1:]}"
        return (
            f"{who}: {with_interval(self.rate)}. People like them would say, for one look: "
            f"{with_interval(self.like_these)}."
        )

    @property
    def _these(self) -> str:
        return "this person" if self.reviewers == 1 else f"these {self.reviewers} people"

    @property
    def _figure(self) -> str:
        rate, found = self.rate, self.progress
        if rate.low is None or rate.high is None:
            return f"The tuned model's win rate is {rate.value:.1%} over {counted(rate.n, 'prompt')}"
        percent = confidence_words(self.policy.preference.confidence)
        interval = f"{percent} interval {rate.low:.1%} to {rate.high:.1%}"
        if self.interim:
            return (
                f"Interim, {missing(found.left or 0)}: the tuned model's win rate is "
                f"{rate.value:.1%} over {counted(rate.n, 'prompt')}, {interval} for one look"
            )
        if self.corrected is not None and self.state == "shown":
            return (
                f"Stopped early at prompt {found.early}: the tuned model's win rate is {self.corrected:.1%}, corrected "
                f"for stopping early ({rate.value:.1%} over {counted(rate.n, 'prompt')} as counted), "
                f"{percent} confidence sequence {found.low:.1%} to {found.high:.1%}"
            )
        return f"The tuned model's win rate is {rate.value:.1%} over {counted(rate.n, 'prompt')}, {interval}"

    @property
    def _claim(self) -> str:
        rate = self.rate
        if rate.low is None or rate.high is None:
            return ": insufficient for an interval, judge more pairs"
        against = list(objections(self.conditions, "contradicted"))
        if self.interim:
            return f": {self.advice}" + (f", but {'; '.join(against)}" if against else "")
        if self.state == "contradicted":
            return f": {self.advice}"
        claim = self._shown if self.state == "shown" else self._not_shown
        if against and claim.startswith((": these", ": people")):
            return f", but {'; '.join(against)}"
        return claim

    @property
    def _who(self) -> str:
        if self.policy.population == "like_these":
            return "people like these"
        return self._these

    @property
    def _shown(self) -> str:
        if self.null < 0.5:
            return f": these {self.reviewers} people find it no worse by more than {0.5 - self.null:.0%}"
        would = (
            "would prefer" if self.policy.population == "like_these" else "prefers" if self.reviewers == 1 else "prefer"
        )
        return f": {self._who} {would} the tuned model"

    @property
    def _not_shown(self) -> str:
        rate = self.rate
        if rate.high is not None and rate.high < 0.5:
            return f": {self._who} prefer the base model".replace("person prefer ", "person prefers ")
        if rate.low is not None and rate.low > self.null:
            return f": above {self.null:.0%} by an interval for one look, and not shown by what the policy asks for"
        return f": not distinguishable from {self.null:.0%}"


def run_verdict(
    table: Judgements, plan: Mapping[str, int], policy: Policy | None = None, *, planned: bool = True
) -> RunVerdict:
    """The verdict on the judgements of a run. `plan` is the frozen one (item -> reviewers).

    Without one that was written down (`planned`) the test at any look still goes by the first verdicts, and all other
    figures by every verdict.
    """
    policy = policy or Policy()
    asked = policy.preference
    prompts = within_plan(table, plan) if planned else table
    counted, plan = by_cluster(prompts), plan_by_cluster(prompts, plan)
    scores, confidence = prompt_scores(counted), asked.confidence
    found = plan_progress(counted, plan, null=policy.null, alpha=1 - confidence)
    skipped = skipped_open(counted, plan)
    due = judgements_left(counted, {item: n for item, n in plan.items() if item not in set(skipped)})
    entered = closed_in(counted, plan)
    low, high = _skip_bounds(counted, plan)
    return RunVerdict(
        policy=policy,
        rate=win_rate(scores, confidence=confidence),
        like_these=crossed_win_rate(counted, confidence=confidence),
        progress=found,
        corrected=corrected_win_rate(entered.scores, found, least=policy.prompts) if not policy.one_look else None,
        judgements=len(counted),
        reviewers=len(np.unique(counted.reviewer)),
        due=due,
        worst=(worst := win_rate(low, confidence=confidence)),
        best=win_rate(high, confidence=confidence),
        conditions=(*conditions(prompts, found), skips(counted, plan, found.null, worst)),
    )


def _skip_bounds(table: Judgements, plan: Mapping[str, int]) -> tuple[Floats, Floats]:
    """Prompts' scores if all that were skipped went to base, and if all went to tuned.

    A prompt that somebody skipped and somebody else judged is among them: whoever skips what they would decide against
    the tuned model hands it to a person who may decide differently.
    """
    means = prompt_means(table.item, table.score, len(table.items))
    over = np.array([item in table.passed_over for item in table.items], dtype=np.bool_)
    unseen = np.full(len([item for item in table.passed_over if item in plan and item not in set(table.items)]), np.nan)
    values, skipped = np.append(means, unseen), np.append(over & ~np.isnan(means), np.ones(len(unseen), dtype=np.bool_))
    present = ~np.isnan(values) | skipped
    low, high = np.where(skipped, 0.0, values)[present], np.where(skipped, 1.0, values)[present]
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def missing(left: int) -> str:
    """How much of the plan is not judged yet, as half a sentence."""
    return f"{counted(left, 'planned judgement is', 'planned judgements are')} missing"
